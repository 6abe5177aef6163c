"""What a running service asks the state of: an event sees what was, and is remembered."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from fusionguard.datasets.history import LARGEST_HUNDREDTHS
from fusionguard.errors import DataError

LARGEST_SECOND = 10**11
"""What is further from the epoch is no second: milliseconds, most likely."""

LOADED_AT_ONCE = 1_000
"""So many events are one transaction of loading."""

Told = Literal["new", "same", "unknown"]
"""What became of an outcome: it is counted, was known already, or is of an event that is not remembered."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to entities, as a row of the events' table is.

    Parameters
    ----------
    id
        Tells events apart: what comes again with the same one is the same event.
    second
        When it happened, in whole seconds.
    keys
        By entity, whose it is; None where nobody knows. An entity that the plan needs must be there.
    numbers
        By column, its number in whole hundredths; None where there is none.
    known
        The second in which its outcome counts, where that is a declared delay after the event: as a negative one, unless a
        positive one is told. None where outcomes are known when they are told.
    alias
        A second name by which its outcome can be told; of an event that comes again, that of each time.
    """

    id: str
    second: int
    keys: Mapping[str, str | None]
    numbers: Mapping[str, int | None]
    known: int | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an event, by its id or its alias: ``positive`` is 1 or 0, ``second`` when that became known."""

    id: str
    positive: int
    second: int


class Remembered(NamedTuple):
    """What an event saw.

    ``values`` has a number for each memory of the plan, None where nothing is remembered. ``exact`` says whether these are those
    of all events of earlier seconds that were recorded before; an event that comes too late for that is counted as late.
    """

    values: dict[str, int | None]
    exact: bool


@dataclass(frozen=True)
class Keeping:
    """For how long events are remembered by their ids, and how late they may be.

    Parameters
    ----------
    answers_seconds
        So long the same event gets the same answer; two days.
    outcomes_seconds
        So long an outcome of an event can be told, where the plan has memories of outcomes; 120 days, as chargebacks take.
    late_seconds
        An event this much earlier than the latest pruning still sees all that it should; an hour.
    """

    answers_seconds: int = 172_800
    outcomes_seconds: int = 10_368_000
    late_seconds: int = 3_600


@dataclass(frozen=True)
class Counts:
    """What a state holds: entities' memories, spans of outcomes, events known by their ids, and bytes on disk.

    ``late`` counts events that came too late to see exactly what was before them, ``late_outcomes`` outcomes that were told after
    the second in which they count, ``unknown_outcomes`` those of events that are not remembered.
    """

    entities: int
    outcome_spans: int
    events: int
    bytes: int
    late: int
    late_outcomes: int
    unknown_outcomes: int


class Newest(NamedTuple):
    """How late the events of a state are.

    ``second`` is that of the latest one behind the newest :func:`set_aside`, whose clocks may run ahead; None where there are no
    more than these. ``latest`` is that of the latest of all, and ``later`` says how many are later than ``second``.
    """

    second: int | None
    latest: int
    later: int

    @classmethod
    def of(cls, events: int, seconds: Iterable[int]) -> Newest | None:
        """Find it in the seconds of all events, or of the newest of them, one more than :func:`set_aside`; None of no events."""
        newest = heapq.nlargest(set_aside(events) + 1, seconds)
        if not newest:
            return None
        if len(newest) == events:
            return cls(None, newest[0], len(newest))
        return cls(newest[-1], newest[0], sum(each > newest[-1] for each in newest))


def set_aside(events: int) -> int:
    """Return how many of the newest of so many events do not say what time it is: one in a thousand, and ten at least."""
    return max(10, -(-events // 1_000))


class OnlineState(Protocol):
    """The memories of a plan, shared by all who answer.

    Every call is one transaction: when it returns, what it recorded outlives the process; when it raises, nothing was recorded.
    """

    def observe(self, event: Event) -> Remembered:
        """Return what an event sees, and record it; one that was recorded before sees what it saw, and is not recorded again."""

    def observe_at_once(self, event: Event) -> Remembered | None:
        """Observe an event where that needs no waiting, for others or for an answer from elsewhere; None where it does."""

    def observe_all(self, events: Sequence[Event]) -> list[Remembered]:
        """Observe events one after the other: all of them, or none where one is refused."""

    def peek(self, event: Event) -> Remembered:
        """Return what an event sees or, where it was recorded, saw; nothing is recorded."""

    def tell(self, outcome: Outcome) -> Told:
        """Record what became of an event. Another outcome than before corrects that in its place; each event counts once."""

    def load(self, history: Iterable[Event | Outcome]) -> None:
        """Observe and tell much, some thousand a transaction; where it breaks off, loading all again goes on."""

    def prune(self, now: int) -> None:
        """Forget what no event sees from ``late_seconds`` before this second on; earlier ones are late from then on."""

    def check(self) -> Counts:
        """Read everything and count it; StorageError where something is damaged."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is remembered, in the order of what events see."""

    @property
    def takes_outcomes(self) -> bool:
        """Whether it remembers outcomes at all."""

    def pseudonym(self, entity: str, text: str) -> int:
        """Return 64 bits that stand for an entity in a log, made with the state's own key: another state has others."""

    def newest(self) -> Newest | None:
        """Say how late the events are that are known by their ids; None where none is."""

    def close(self) -> None:
        """Give the state back."""


def declared_event(text: str) -> str:
    """Return the id of an event whose row has a declared id: it is the same in a history, a request and a batch."""
    return f"id {text}"


def check_event(event: Event) -> None:
    """Raise DataError where an event's id, second or numbers cannot be those of one; the state refuses entities it lacks."""
    if not isinstance(event.id, str) or not event.id:
        raise DataError("An event's id must be a text that is not empty.", "Nothing was recorded.")
    _check_second(event.second, event.id, "second")
    if event.known is not None:
        _check_second(event.known, event.id, "known")
    for column, number in event.numbers.items():
        if number is not None and (type(number) is not int or not -LARGEST_HUNDREDTHS <= number <= LARGEST_HUNDREDTHS):
            what = f"Event '{event.id}': the number of '{column}' must be whole hundredths within ±{LARGEST_HUNDREDTHS}."
            raise DataError(what, "Nothing was recorded.")


def check_outcome(outcome: Outcome) -> None:
    """Raise DataError where an outcome is neither 1 nor 0, or its second is none."""
    if type(outcome.positive) is not int or outcome.positive not in (0, 1):
        raise DataError(f"The outcome of '{outcome.id}' must be 1 or 0.", "Nothing was recorded.")
    _check_second(outcome.second, outcome.id, "second")


def _check_second(second: int, of: str, what: str) -> None:
    if type(second) is not int or not -LARGEST_SECOND <= second <= LARGEST_SECOND:
        remedy = f"It must lie within ±{LARGEST_SECOND}. Nothing was recorded."
        raise DataError(f"Event '{of}': {what} must be whole seconds.", remedy)
