"""Simulated card transactions, week by week: what honest customers pay, and the frauds among it, with what is known of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import count

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.datasets.card_transactions.frauds import draw_frauds
from fusionguard.datasets.card_transactions.honest import Week, draw_week
from fusionguard.datasets.card_transactions.payments import ENTRIES, HONEST, NEVER, SECONDS_PER_DAY, Payments
from fusionguard.datasets.card_transactions.population import Flags, Integers, Society, draw_society
from fusionguard.datasets.card_transactions.settings import CATEGORIES, KINDS, Settings

AGE_GROUPS = ("under 30", "30 to 59", "60 and over")
TRUTH = pa.schema(
    [
        *(("transaction_id", pa.string()), ("booked_at", pa.string()), ("kind", pa.string()), ("case", pa.int64())),
        *(("reported_at", pa.string()), ("labelled", pa.int64())),
    ]
)
"""The columns of the file of truth, which has the frauds alone: ``reported_at`` is empty where nobody ever reports one, and
``labelled`` is what the table says of it, which may not know it yet."""

_SOCIETY, _HONEST, _FRAUD = range(3)
"""Streams of random numbers: who there is, each week of honest payments, and each week of each kind of fraud."""
_FEWEST_CUSTOMERS = 60
_BATCH_ROWS = 1 << 16


@dataclass(frozen=True)
class Simulation:
    """Transactions in order of time, and the world that they are from.

    Parameters
    ----------
    payments
        All kinds of them, from the first of the world or from a later one on.
    first
        The place of the first one in the world, from 0, by which it is called.
    settings, society
        What the simulator followed, and who there is.
    """

    payments: Payments
    first: int
    settings: Settings
    society: Society

    @cached_property
    def known_until(self) -> int:
        """The last second whose reports the table shows."""
        return int(self.payments.second.max(initial=0)) + self.settings.settled_days * SECONDS_PER_DAY

    @cached_property
    def labelled(self) -> Flags:
        """Which payments (n,) the table calls frauds: those reported by then."""
        reported = self.payments.reported
        return np.asarray((reported != NEVER) & (reported <= self.known_until))

    def wanted(self, without: Collection[str] = (), since: date | None = None, until: date | None = None) -> Integers:
        """Return the places of the payments but those of some kinds, from a day on, and before a day; all else stays as it is."""
        unwanted = [KINDS.index(kind) for kind in without]
        chosen = ~np.isin(self.payments.kind, unwanted)
        if since is not None:
            chosen &= self.payments.second >= self._second(since)
        if until is not None:
            chosen &= self.payments.second < self._second(until)
        return np.flatnonzero(chosen)

    def table(self, columns: pa.Schema, chosen: Integers) -> Iterator[pa.RecordBatch]:
        """Yield the transactions at some places, as a bank has them."""
        for begin in range(0, len(chosen), _BATCH_ROWS):
            yield self._batch(columns, chosen[begin : begin + _BATCH_ROWS])

    def truth(self, chosen: Integers) -> pa.RecordBatch:
        """Return what frauds among the transactions at some places are, as only the simulator knows it."""
        frauds = chosen[self.payments.kind[chosen] != HONEST]
        rows = self.payments[frauds]
        arrays = [
            _names("P", self.first + frauds, 9),
            self._moments(rows.second),
            _named(KINDS, rows.kind),
            pa.array(rows.case),
            self._moments(rows.reported, rows.reported == NEVER),
            pa.array(self.labelled[frauds].astype(np.int64)),
        ]
        return pa.record_batch(arrays, schema=TRUTH)

    def _batch(self, columns: pa.Schema, chosen: Integers) -> pa.RecordBatch:
        rows, labelled = self.payments[chosen], self.labelled[chosen]
        customers, merchants = self.society.customers, self.society.merchants
        customer = self._of_card[rows.card]
        distance = np.hypot(
            customers.east_km[customer] - merchants.east_km[rows.merchant],
            customers.north_km[customer] - merchants.north_km[rows.merchant],
        )
        made = {
            "transaction_id": _names("P", self.first + chosen, 9),
            "booked_at": self._moments(rows.second),
            "customer": _names("C", customer, 7),
            "card": _names("K", rows.card, 7),
            "age_group": _named(AGE_GROUPS, customers.age_group[customer]),
            "merchant": _names("M", rows.merchant, 6),
            "terminal": _names("T", rows.terminal, 6),
            "category": _named([each.name for each in CATEGORIES], merchants.category[rows.merchant]),
            "entry": _named(ENTRIES, rows.entry),
            "amount": pa.array(rows.cents / 100),
            "distance_km": pa.array(np.round(distance, 1), mask=merchants.town[rows.merchant] < 0),
            "fraud": pa.array(labelled.astype(np.int64)),
            "reported_at": self._moments(rows.reported, ~labelled),
        }
        return pa.record_batch([made[field.name] for field in columns], schema=columns)

    @cached_property
    def _of_card(self) -> Integers:
        return self.society.customers.of_card

    def _second(self, day: date) -> int:
        return (day - self.settings.start).days * SECONDS_PER_DAY

    def _moments(self, second: Integers, empty: Flags | None = None) -> pa.Array:
        begin = np.datetime64(self.settings.start, "s")
        return pa.array(np.datetime_as_string(begin + second.astype("timedelta64[s]")), pa.string(), mask=empty)


def simulate_transactions(rows: int, seed: int, settings: Settings, *, after: int = 0) -> Simulation:
    """Simulate the first rows of a world, or those ``after`` so many.

    How many customers there are is decided by ``after``, or without it by ``rows``: they make as many payments in about
    ``settings.days`` days. So what comes after a table of 10,000 rows is what its own customers do next.
    """
    customers = customers_for(after or rows, settings)
    population, habits = settings.population, settings.habits
    society = draw_society(customers, np.random.default_rng((seed, _SOCIETY)), population, habits)
    found: list[Payments] = []
    for week in _weeks(society, seed, settings):
        found.append(week)
        if sum(map(len, found)) >= after + rows:
            break
    return Simulation(Payments.together(found)[after : after + rows], after, settings, society)


def customers_for(rows: int, settings: Settings) -> int:
    """Return how many customers make so many payments in about the settings' days."""
    return max(_FEWEST_CUSTOMERS, round(rows / (settings.population.payments_per_day * settings.days)))


def _weeks(society: Society, seed: int, settings: Settings) -> Iterator[Payments]:
    """Yield the payments of each week in order; a week's random numbers depend on the seed and its number alone."""
    later: list[Payments] = []
    for number in count():
        week = Week.of(number, settings)
        drawn = [draw_week(society, week, np.random.default_rng((seed, _HONEST, number)), settings)]
        for kind in range(len(KINDS)):
            drawn.append(draw_frauds(society, number, kind, np.random.default_rng((seed, _FRAUD, kind, number)), settings))
        all_known = Payments.together([*later, *drawn])
        over = all_known.second < week.ends
        later = [all_known[~over]]
        yield all_known[over].in_order()


def _names(letter: str, numbers: Integers, digits: int) -> pa.Array:
    """Return a letter and a number of so many digits for each number (n,)."""
    padded = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(letter, padded, "")


def _named(names: Sequence[str], numbers: Integers) -> pa.Array:
    return pa.array(names).take(pa.array(numbers))
