"""What a scoring route asks the state of: the past of a row, beside the thread that answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

import numpy as np

from fusionguard.errors import DataError, StorageError
from fusionguard.families.request_fields import Columns
from fusionguard.features.online.state import Event, OnlineState, Outcome, Remembered
from fusionguard.serving.metrics import Metrics
from fusionguard.serving.prediction_log import Label
from fusionguard.serving.problems import Fault, ProblemError, invalid

ROWS_AT_ONCE = 1_000
"""So many rows of a batch are one transaction, half a second: single rows wait that long for it, in all workers."""

_PAUSE_SECONDS = 0.005
"""Between two of them, so that those who wait come to their turn."""

_NOT_NOW = 503

_Found = TypeVar("_Found")

_log = logging.getLogger(__name__)


class NotLookedUp(Remembered):
    """What is known of a row whose past could not be looked up: nothing, as of one of whom nobody knows whose it is."""

    __slots__ = ()


class Remembering:
    """The past of one model's rows.

    Parameters
    ----------
    model
        What it is called.
    metrics
        Where rows that came late and refusals are counted.
    lookups
        The thread that asks for single rows.
    """

    def __init__(self, model: str, metrics: Metrics, lookups: ThreadPoolExecutor) -> None:
        self._model, self._metrics, self._lookups = model, metrics, lookups
        self._fault, self._late = "", False

    async def observe(self, state: OnlineState, event: Event, lasting: bool) -> Remembered:
        """Return what an event sees, and record it.

        Where the state does not answer, a row that is ``lasting`` is answered as :class:`NotLookedUp`, and counted; for another
        one :class:`ProblemError` is raised.

        What needs no waiting is done on this thread: to wake another one and be woken by it takes as long again.
        """
        found = None
        if not self._fault:
            found = self._or_nothing(partial(state.observe_at_once, event), partial(self._unrecorded, state), lasting)
        if found is None:
            found = await self._elsewhere(partial(state.observe, event), partial(self._unrecorded, state), lasting)
        self._count_late([found])
        return found

    async def peek(self, state: OnlineState, event: Event, lasting: bool) -> Remembered:
        """Return what an event sees, and record nothing; raises as :meth:`observe` does."""
        return await self._elsewhere(partial(state.peek, event), partial(_nothing, state), lasting)

    def observe_all(self, state: OnlineState, events: Sequence[Event], lasting: bool) -> list[Remembered]:
        """Observe a batch in the order of time, on this thread; return what each of its rows sees.

        Where the state stops answering midway, the same rows under the same names see the same again.
        """
        order = sorted(range(len(events)), key=lambda place: events[place].second)
        found: dict[int, Remembered] = {}
        for begin in range(0, len(order), ROWS_AT_ONCE):
            if begin:
                time.sleep(_PAUSE_SECONDS)
            places = order[begin : begin + ROWS_AT_ONCE]
            some = [events[place] for place in places]
            nothing = partial(self._all_unrecorded, state, len(some))
            seen = self._or_nothing(partial(state.observe_all, some), nothing, lasting)
            found |= zip(places, seen, strict=True)
        self._count_late(list(found.values()))
        return [found[place] for place in range(len(events))]

    def tell(self, state: OnlineState, outcomes: Sequence[Outcome]) -> None:
        """Record outcomes, on this thread. Raises :class:`ProblemError` where the state does not answer."""
        self._ask(lambda: state.load(outcomes))

    async def _elsewhere(self, ask: Callable[[], _Found], nothing: Callable[[], _Found], lasting: bool) -> _Found:
        run = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._lookups, run, self._or_nothing, ask, nothing, lasting)

    def _or_nothing(self, ask: Callable[[], _Found], nothing: Callable[[], _Found], lasting: bool) -> _Found:
        """Return what was asked, or where that could not be looked up, and rows are to be answered anyway, nothing."""
        try:
            return self._ask(ask, lasting=lasting)
        except ProblemError as problem:
            if not lasting or problem.status != _NOT_NOW:
                raise
        return nothing()

    def _unrecorded(self, state: OnlineState) -> Remembered:
        return self._all_unrecorded(state, 1)[0]

    def _all_unrecorded(self, state: OnlineState, rows: int) -> list[Remembered]:
        """Return what is known of rows that are scored without their past, and count them."""
        self._metrics.rows_without_history(self._model, rows)
        return [_nothing(state)] * rows

    def _ask(self, ask: Callable[[], _Found], *, lasting: bool = False) -> _Found:
        try:
            found = ask()
        except DataError:  # of what the fields let through, this is all that a state refuses
            raise invalid([Fault("$", "a row whose time lies within 3,000 years of 1970", "another")]) from None
        except StorageError as error:
            self._metrics.state_failed(self._model)
            if str(error) != self._fault:
                scored = " Rows are scored without it, and not recorded." if lasting else ""
                _log.error("What happened before cannot be looked up for %s: %s%s", self._model, error, scored)
                self._fault = str(error)
            detail = "What happened before cannot be looked up now, so nothing was scored. The service's log says what to do."
            raise ProblemError(_NOT_NOW, "state", detail, headers={"retry-after": "5"}) from None
        if self._fault:
            _log.warning("What happened before is looked up again for %s.", self._model)
            self._fault = ""
        return found

    def _count_late(self, found: Sequence[Remembered]) -> None:
        late = sum(not each.exact for each in found if type(each) is not NotLookedUp)
        if late:
            self._metrics.late_events(self._model, late)
        if late and not self._late:
            _log.warning("A row of %s came too late to see exactly what was before it; such rows are counted.", self._model)
            self._late = True


def named_event(event: Event, row_id: str | int | None, request_id: str, row: int) -> Event:
    """Return a row's event under its names: the declared id, else what the client calls it, else its place in the request.

    By the last its outcome can always be told. What a client calls a row tells it apart in a request alone, so it is the same row
    where also its second and its entities are.
    """
    place = request_event(request_id, row)
    called = event.id or (place if row_id is None else f"row {row_id} {event.second} {sorted(event.keys.items())}")
    alias = None if called == place else place
    return Event(called, event.second, event.keys, event.numbers, event.known, alias)  # five times as fast as replace


def request_event(request_id: str, row: int) -> str:
    """Return how a state knows a row by its place in a request."""
    return f"request {request_id} {row}"


def outcomes_of(labels: Iterable[Label]) -> list[Outcome]:
    """Return what became of scored rows as a state is told it: from the second on that follows the moment."""
    return [Outcome(request_event(*each[:2]), each.label, -(-each.observed_at_micros // 1_000_000)) for each in labels]


def not_looked_up(found: Sequence[Remembered | None]) -> int:
    """Return of how many rows the past could not be looked up."""
    return sum(type(each) is NotLookedUp for each in found)


def past_columns(names: Sequence[str], found: Sequence[Remembered]) -> Columns:
    """Return what many rows see as columns (n,), NaN where nothing is remembered."""
    missing = float("nan")
    rows: list[dict[str, Any]] = [each.values for each in found]
    return {
        name: np.array([missing if (value := row[name]) is None else value for row in rows], dtype=np.float64) for name in names
    }


def _nothing(state: OnlineState) -> Remembered:
    return NotLookedUp(dict.fromkeys(state.names), False)
