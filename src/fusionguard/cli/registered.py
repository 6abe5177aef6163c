"""The command ``models``: what is registered, and how it came to its aliases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from fusionguard.home import find_home

if TYPE_CHECKING:
    from fusionguard.registry.history import AliasMove
    from fusionguard.registry.overview import Measured, Overview

_HEADINGS = ("version", "aliases", "trained on", "average precision", "made (UTC)", "bundle")


def models(
    model: Annotated[str | None, typer.Argument(help="Which model, by the name of its data set; all by default.")] = None,
    last: Annotated[int, typer.Option("--last", min=0, help="Show so many versions and moves of a model; 0: all.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """List the registered versions, and who moved which alias when and why, the latest first.

    Example: fusionguard models --last 3
    """
    from fusionguard.registry.model_names import model_names
    from fusionguard.registry.overview import read_overview

    home = find_home()
    overviews = [read_overview(home, name) for name in ([model] if model else model_names(home))]
    if as_json:
        typer.echo(json.dumps([overview.to_json() for overview in overviews], indent=1))
        return
    for place, overview in enumerate(overviews):
        typer.echo("\n".join(([""] if place else []) + list(_lines(overview, last))))


def _lines(overview: Overview, last: int) -> Iterator[str]:
    if not overview.versions:
        yield f"{overview.name}: no version is registered yet."
        return
    yield f"{overview.name}: average precision on the test rows, with its 95 % interval"
    newest = overview.versions[::-1]
    shown = [each for place, each in enumerate(newest) if not last or place < last or each.version.aliases]
    yield from _table([_HEADINGS, *map(_row, shown)])
    yield from _rest(len(newest) - len(shown), "versions")
    yield ""
    yield "Aliases"
    for alias, version in overview.unexplained().items():
        yield f"{alias} is version {version}: not set by FusionGuard, or before it kept a history (0.2.0 and earlier)"
    moves = overview.moves[::-1]
    for move in moves[: last or None]:
        yield from _told(move)
    yield from _rest(len(moves) - (last or len(moves)), "moves")


def _row(each: Measured) -> tuple[str, ...]:
    version = each.version
    origin = "SIMULATED data" if version.simulated else f"{version.origin} data"
    made = _minute(version.registered_at) if version.registered_at else "-"
    return (str(version.version), ", ".join(version.aliases), origin, each.text(), made, version.bundle_sha256[:12])


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _told(move: AliasMove) -> Iterator[str]:
    before = f"from version {move.before} " if move.before is not None else ""
    run = f", run {move.run}" if move.run else ""
    yield f"{_minute(move.at)}  {move.alias} {before}to version {move.after} by {move.by} ({move.command}{run})"
    yield f"{'':16}  {move.why}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _rest(count: int, what: str) -> Iterator[str]:
    if count > 0:
        yield f"and {count} earlier {what}: --last 0 shows them"
