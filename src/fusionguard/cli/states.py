"""Commands about what a service remembers of earlier rows: ``state build``, ``state check`` and ``state prune``."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionguard.cli.say import say
from fusionguard.errors import StorageError, UsageError
from fusionguard.home import Home, find_home

if TYPE_CHECKING:
    from fusionguard.datasets.resolved import ResolvedDataset
    from fusionguard.features.online.place import StatePlace
    from fusionguard.features.online.state import Counts, Newest

_Model = Annotated[
    str, typer.Option("--model", "-m", help="Whose windows: NAME@champion, NAME@3 or a bundle's folder, as it is to answer.")
]


def build(
    model: _Model,
    history: Annotated[
        Path | None, typer.Option("--history", help="The rows that happened before, with outcomes; none by default.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the one that is there; what services record meanwhile is lost.")
    ] = False,
) -> None:
    """Make what a service looks the past of rows up in, from the rows that happened before.

    It appears when it is whole, in FUSIONGUARD_SERVE_STATE, a folder or the address of a Redis, or where `serve` reads it.

    Example: fusionguard state build --model NAME@champion --history earlier.csv
    """
    from fusionguard.features.online.rebuild import read_history
    from fusionguard.output import scratch_folder

    home = find_home()
    described, place = _place(home, model)
    if not replace and place.exists():
        raise StorageError(f"{place} is there already.", "Serve with it, or make it anew with --replace.")
    with scratch_folder(home.work / "state") as scratch:
        rows = () if history is None else read_history(described, history, scratch)
        state = place.build(rows, replace=replace)
    with closing(state):
        say(_counted(state.check()))
    say(f"Wrote {place}")


def check(model: _Model) -> None:
    """Read all that a service remembers and count it, also while it runs. Fails where something is damaged.

    Example: fusionguard state check --model NAME@champion
    """
    _, place = _place(find_home(), model)
    with closing(place.open()) as state:
        say(_counted(state.check()))
    typer.echo(place)


def prune(model: _Model) -> None:
    """Forget what no later row sees, also while the service runs: it keeps the state small. Rows an hour late still see all.

    What time it is, the rows say, without the newest tenth of a percent (ten at least), whose clocks may run ahead.

    Example: fusionguard state prune --model NAME@champion
    """
    described, place = _place(find_home(), model)
    with closing(place.open()) as state:
        newest, moment = state.newest(), described.declaration.time
        if newest is not None:  # a clock that runs ahead makes nothing be forgotten too early, nor does a service that rests
            counted = moment is not None and moment.since == "start"
            now = newest.second if newest.second is None or counted else min(newest.second, int(time.time()))
            say(_forgotten(newest, now, counted=counted))
            if now is not None:
                state.prune(now)
        say(_counted(state.check()))
    typer.echo(place)


def _place(home: Home, model: str) -> tuple[ResolvedDataset, StatePlace]:
    from fusionguard.families.of_bundle import family_of
    from fusionguard.features.online.place import state_place
    from fusionguard.registry.aliases import resolve_bundle

    family = family_of(resolve_bundle(home, model))
    if family.declared is None or not family.features.past:
        raise UsageError(f"The models of {family.model} read nothing of earlier rows.", "They need no state.")
    return family.declared, state_place(home.online, family.declared.declaration)


def _forgotten(newest: Newest, now: int | None, *, counted: bool) -> str:
    if now is None:
        return f"Forgetting nothing: {newest.later} rows do not say what time it is."

    def moment(second: int) -> str:
        return f"second {second:,}" if counted else f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M} UTC"

    told = f"Forgetting what rows from an hour before {moment(now)} on do not see"
    return f"{told}; {newest.later:,} rows are later, the latest of {moment(newest.latest)}." if newest.later else f"{told}."


def _counted(counts: Counts) -> str:
    told = f"It remembers {counts.entities:,} entities by {counts.events:,} rows, in {counts.bytes / 1e6:,.1f} MB."
    odd = {
        "rows that came late": counts.late,
        "outcomes that were told late": counts.late_outcomes,
        "outcomes of unknown rows": counts.unknown_outcomes,
    }
    noted = ", ".join(f"{count:,} {what}" for what, count in odd.items() if count)
    return f"{told} There were {noted}." if noted else told
