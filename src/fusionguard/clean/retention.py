"""The rule of what is kept: the newest so many that are not too old, and always the newest of all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from fusionguard.keep_config import KeepConfig

Thing = TypeVar("Thing")

_SECONDS_PER_DAY = 86_400.0


@dataclass(frozen=True)
class Dated(Generic[Thing]):
    """A thing, by when it was made, in seconds since 1970."""

    thing: Thing
    at: float


def beyond(
    things: Iterable[Dated[Thing]], keep: KeepConfig, now: float, *, always: Collection[Thing] = (), newest: bool = True
) -> Iterator[tuple[Thing, str]]:
    """Yield what is beyond the bounds, each with the reason.

    Parameters
    ----------
    always
        What stays whatever the bounds.
    newest
        Whether the newest one stays, whatever the bounds.
    """
    for place, each in enumerate(sorted(things, key=lambda each: each.at, reverse=True)):
        if each.thing in always or (newest and place == 0):
            continue
        days = (now - each.at) / _SECONDS_PER_DAY
        if place >= keep.runs:
            yield each.thing, f"not among the newest {keep.runs}" if keep.runs else "can be made again"
        elif days > keep.days:
            yield each.thing, f"{days:.0f} days old, of {keep.days:g} that are kept"
