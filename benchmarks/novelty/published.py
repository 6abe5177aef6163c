"""Kinds of fraud in tables of a published simulator, told apart by its rules: such tables say what is a fraud, not of which kind.

The simulator is that of Le Borgne, Siblini, Lebichot and Bontempi, *Reproducible Machine Learning for Credit Card Fraud
Detection* (Université Libre de Bruxelles, 2022), chapter 3. In its order: every amount above 220 is a fraud; all payments at a
terminal are, for the 28 days for which it is compromised; a third of a customer's payments of 14 days are, with five times the
amount.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fusionguard.datasets.declaration import Declaration
from fusionguard.errors import UsageError
from fusionguard.evaluation.scored import SECONDS_PER_DAY, Flags, Floats, Integers

LARGE, TERMINAL, CUSTOMER = "large_amount", "compromised_terminal", "multiplied_amounts"

_LARGE_AMOUNT = 220.0
_LARGEST_OF_MEAN = 3.5
"""Amounts are normal with half their mean as deviation: so many times the mean are five deviations above it."""
_SHORTEST_RUN, _FEWEST_CUSTOMERS = 3, 2
"""A terminal is compromised where so many payments in a row, of so many customers, are frauds: others are one in a hundred."""
_CUSTOMER_DAYS = 14


def derive_kinds(table: pa.Table, declaration: Declaration) -> tuple[np.ndarray, np.ndarray]:
    """Return the kind and the case (n,) of each row, empty where it is no fraud.

    A fraud is of a compromised terminal where it is one of a run of frauds there, and its amount is not above 220. Of the others,
    one above 220 is of a large amount as far as its customer's honest payments make that likely, and a case of its own; the rest
    are of customers whose amounts are multiplied, a case for each 14 days.

    Parameters
    ----------
    table
        Rows in order of time.

    Raises
    ------
    UsageError
        The data set does not declare a customer, a terminal, an amount and a time.
    """
    amount, time, entities = declaration.amount, declaration.time, declaration.entities
    if amount is None or time is None or not {"customer", "terminal"} <= set(entities):
        raise UsageError(
            f"{declaration.name} does not declare what the published simulator makes.",
            "Declare the entities customer and terminal, an amount and a time.",
        )
    positive = [str(value) for value in declaration.label.positive]
    fraud = np.isin(np.array([str(value) for value in table[declaration.label.column].to_pylist()]), positive)
    customer, terminal = (_numbers(table[entities[name]]) for name in ("customer", "terminal"))
    cents = np.asarray(table[amount.column].to_numpy(), dtype=np.float64)
    day = np.asarray(table[time.column].to_numpy(), dtype="datetime64[s]").astype(np.int64) // SECONDS_PER_DAY
    run = _runs(terminal, customer, fraud)
    large = fraud & (cents > _LARGE_AMOUNT) & (cents <= _LARGEST_OF_MEAN * _honest_means(cents, customer, fraud))
    compromised = fraud & (run >= 0) & (cents <= _LARGE_AMOUNT)
    multiplied = fraud & ~large & ~compromised
    kind = np.select([large, compromised, multiplied], [LARGE, TERMINAL, CUSTOMER], "")
    number = np.select([large, compromised, multiplied], [np.arange(fraud.size), run, _stretches(customer, day, multiplied)], -1)
    return kind, np.array([f"{each} {case}" if each else "" for each, case in zip(kind, number, strict=True)])


def _numbers(column: pa.ChunkedArray) -> Integers:
    return np.unique(column.to_numpy(zero_copy_only=False), return_inverse=True)[1]


def _honest_means(amount: Floats, customer: Integers, fraud: Flags) -> Floats:
    """Return (n,) the mean amount of the honest payments of a row's customer; 0 without any."""
    size = int(customer.max(initial=-1)) + 1
    total, count = np.bincount(customer[~fraud], amount[~fraud], size), np.bincount(customer[~fraud], minlength=size)
    return np.asarray((total / np.maximum(count, 1))[customer])


def _runs(terminal: Integers, customer: Integers, fraud: Flags) -> Integers:
    """Return (n,) the number of the run of frauds at one terminal that a row is of; -1 where it is of no long one."""
    order = np.argsort(terminal, kind="stable")
    starts = np.ones(order.size, dtype=np.bool_)
    starts[1:] = (np.diff(terminal[order]) != 0) | (np.diff(fraud[order].astype(np.int8)) != 0)
    number = np.cumsum(starts) - 1
    length = np.bincount(number)
    pairs = np.unique(np.stack([number, customer[order]]), axis=1)
    customers = np.bincount(pairs[0], minlength=length.size)
    long = (length >= _SHORTEST_RUN) & (customers >= _FEWEST_CUSTOMERS)
    found = np.empty(order.size, dtype=np.int64)
    found[order] = np.where(fraud[order] & long[number], number, -1)
    return found


def _stretches(customer: Integers, day: Integers, which: Flags) -> Integers:
    """Return (n,) the number of the stretch of days of one customer that a row of ``which`` is of; -1 elsewhere."""
    places = np.flatnonzero(which)
    places = places[np.lexsort((day[places], customer[places]))]
    found, number, first = np.full(which.size, -1, dtype=np.int64), -1, (-1, 0)
    for place in places:
        if first[0] != customer[place] or day[place] >= first[1] + _CUSTOMER_DAYS:
            number, first = number + 1, (int(customer[place]), int(day[place]))
        found[place] = number
    return found
