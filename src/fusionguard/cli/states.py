"""Commands about what a service remembers of earlier rows: ``state build``, ``state check`` and ``state prune``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionguard.cli.say import say
from fusionguard.errors import StorageError, UsageError
from fusionguard.home import find_home

if TYPE_CHECKING:
    from fusionguard.datasets.resolved import ResolvedDataset
    from fusionguard.features.online.state import Counts

_Model = Annotated[
    str, typer.Option("--model", "-m", help="Whose windows: NAME@champion, NAME@3 or a bundle's folder, as it is to answer.")
]


def build(
    model: _Model,
    history: Annotated[
        Path | None, typer.Option("--history", help="The rows that happened before, with outcomes; none by default.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the one that is there; stop the service before.")] = False,
) -> None:
    """Make what a service looks the past of rows up in, from the rows that happened before.

    It appears when it is whole, in FUSIONGUARD_SERVE_STATE or where `serve` reads it.

    Example: fusionguard state build --model NAME@champion --history earlier.csv
    """
    from fusionguard.datasets.history import memories
    from fusionguard.features.online.rebuild import read_history
    from fusionguard.features.online.sqlite_state import SqliteState
    from fusionguard.output import scratch_folder

    described, path = _place(model)
    if path.exists() and not replace:
        raise StorageError(f"{path} is there already.", "Serve with it, or make it anew with --replace, while no service runs.")
    with scratch_folder(path) as scratch:
        rows = () if history is None else read_history(described, history, scratch)
        state = SqliteState.build(path, memories(described.declaration), rows, replace=replace)
    try:
        say(_counted(state.check()))
    finally:
        state.close()
    say(f"Wrote {path}")


def check(model: _Model) -> None:
    """Read all that a service remembers and count it, also while it runs. Fails where something is damaged.

    Example: fusionguard state check --model NAME@champion
    """
    from fusionguard.datasets.history import memories
    from fusionguard.features.online.sqlite_state import SqliteState

    described, path = _place(model)
    state = SqliteState(path, memories(described.declaration))
    try:
        say(_counted(state.check()))
    finally:
        state.close()
    typer.echo(path)


def prune(model: _Model) -> None:
    """Forget what no later row sees, also while the service runs: it keeps the file small. Rows an hour late still see all.

    Example: fusionguard state prune --model NAME@champion
    """
    from fusionguard.datasets.history import memories
    from fusionguard.features.online.sqlite_state import SqliteState

    described, path = _place(model)
    state = SqliteState(path, memories(described.declaration))
    try:
        latest, moment = state.latest_second(), described.declaration.time
        if latest is not None:  # a clock that runs ahead makes nothing be forgotten too early, nor does a service that rests
            counted = moment is not None and moment.since == "start"
            state.prune(latest if counted else min(latest, int(time.time())))
        say(_counted(state.check()))
    finally:
        state.close()
    typer.echo(path)


def _place(model: str) -> tuple[ResolvedDataset, Path]:
    from fusionguard.families.of_bundle import family_of
    from fusionguard.features.online.place import state_file
    from fusionguard.registry.aliases import resolve_bundle

    home = find_home()
    family = family_of(resolve_bundle(home, model))
    if family.declared is None or not family.features.past:
        raise UsageError(f"The models of {family.model} read nothing of earlier rows.", "They need no state.")
    return family.declared, state_file(home.online, family.declared.declaration)


def _counted(counts: Counts) -> str:
    told = f"It remembers {counts.entities:,} entities by {counts.events:,} rows, in {counts.bytes / 1e6:,.1f} MB."
    odd = {
        "rows that came late": counts.late,
        "outcomes that were told late": counts.late_outcomes,
        "outcomes of unknown rows": counts.unknown_outcomes,
    }
    noted = ", ".join(f"{count:,} {what}" for what, count in odd.items() if count)
    return f"{told} There were {noted}." if noted else told
