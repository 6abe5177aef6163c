"""What a transaction asks of whatever keeps a state: records by their keys, read and written at once or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

COUNTED = ("late", "late_outcomes", "unknown_outcomes")
"""What a state counts of itself, as :class:`~fusionguard.features.online.state.Counts` calls it."""


class Recorded(NamedTuple):
    """An event that was recorded.

    ``known`` is the second in which its outcome counts, None where that is not known; ``entities`` the keys of those that it
    counts for; ``answer`` what the event saw, None where that is forgotten.
    """

    second: int
    known: int | None
    positive: int
    entities: bytes
    answer: bytes | None


class Records(Protocol):
    """The records of one transaction; keys are 64 bits."""

    def earliest(self) -> int | None:
        """Return the second before which events are late, since the latest pruning; None before the first."""

    def event(self, key: int) -> Recorded | None:
        """Return an event; None where it is not known."""

    def add_event(self, key: int, event: Recorded) -> None:
        """Add an event that is not known."""

    def change_event(self, key: int, event: Recorded) -> None:
        """Change what is known of an event's outcome."""

    def event_of_alias(self, key: int) -> int | None:
        """Return the key of the event that has an alias; None where none has."""

    def add_alias(self, key: int, event: int, second: int) -> None:
        """Add an alias of an event of a second; one that is given already stays with whom it was given."""

    def memories(self, entities: Sequence[int]) -> Mapping[int, bytes]:
        """Return what is remembered of entities' rows, by their keys, of those of which something is."""

    def write_memories(self, memories: Sequence[tuple[int, int, bytes]]) -> None:
        """Write what is remembered of entities' rows: the key of each, the place of its layout in the plan, and the content."""

    def stretches(self, entity: int, untils: range) -> Sequence[tuple[int, bytes]]:
        """Return those of an entity's stretches of outcomes that there are, each with its last second."""

    def stretch(self, entity: int, until: int) -> bytes | None:
        """Return one stretch of outcomes by its last second; None where it is not there."""

    def write_stretches(self, stretches: Sequence[tuple[int, int, int, bytes]]) -> None:
        """Write stretches of outcomes: the entity and the last second of each, the place of its layout, and the content."""

    def last_meeting(self, entity: int, other: int, key: int, second: int) -> int | None:
        """Return when an entity met another one last before a second, of the meetings that were added; None where it did not."""

    def add_meetings(self, entity: int, meetings: Sequence[tuple[int, int, int]]) -> None:
        """Add meetings: the place of the other entity among the layout's, its key, and the second."""

    def count(self, name: str, more: int) -> None:
        """Add to one of :data:`COUNTED`."""
