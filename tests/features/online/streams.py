"""Streams of events for a state, and what each of them must see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fusionguard.datasets.history import Memory
from fusionguard.features.online.state import Event, Outcome
from tests.datasets import slow_history


def online(place: int, event: slow_history.Event, *, delayed: bool = False) -> Event:
    """Return a row as the state gets it; ``delayed`` says that its outcome counts from when it is known, told or not."""
    return Event(f"P{place}", event.second, event.of, event.numbers, event.known if delayed else None)


def in_order(events: Sequence[slow_history.Event]) -> Iterator[Event | Outcome]:
    """Yield rows, and outcomes as they become known, in the order of time."""
    stream: list[tuple[int, int, Event | Outcome]] = []
    for place, event in enumerate(events):
        stream.append((event.second, 0, online(place, event)))
        if event.known is not None and event.positive is not None:
            stream.append((event.known, 1, Outcome(f"P{place}", event.positive, event.known)))
    for _, _, each in sorted(stream, key=lambda each: each[:2]):
        yield each


def expected(plan: Sequence[Memory], before: Sequence[slow_history.Event], event: slow_history.Event) -> dict[str, int | None]:
    """Return what an event sees of those that were recorded before it, the slow way; its own outcome is not known yet."""
    rows = [*before, replace(event, positive=None, known=None)]
    return {memory.name: slow_history.remembered(memory, rows, len(before)) for memory in plan}
