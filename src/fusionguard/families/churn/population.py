"""Who leaves, in plain counts: shares of leavers by one fact about customers and by two, computed inside DuckDB."""

from __future__ import annotations

import math
from dataclasses import dataclass

import duckdb
import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.stats import chi2_contingency

from fusionguard.data.table import Table
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.readings import share_reading
from fusionguard.families.churn.retention import RetentionPolicy
from fusionguard.features.churn import AGE_BANDS, LABEL
from fusionguard.features.duckdb_engine import connection, scan
from fusionguard.proportions import difference_interval

FEWEST = 10
"""Groups of fewer customers are not shown: their few members could be told from the numbers."""

STRONG, CLEAR = 0.2, 0.1
"""Cramér's V from which a fact tells leavers apart strongly, and clearly."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Group(_Part):
    """Customers who have something in common."""

    name: str
    rows: int
    churners: int
    churn_rate: Interval
    """Share of leavers with Wilson's 95 % interval; a reason where there are too few customers."""
    value_lost: float
    """What its leavers were worth together, by the retention settings."""


class Cut(_Part):
    """All customers, divided by one fact."""

    fact: str
    groups: tuple[Group, ...]
    strength: float
    """Cramér's V: 0 where groups leave alike, 1 where the fact says who leaves."""
    chance: float
    """How often groups that leave alike would differ as much as these (chi-squared test)."""

    @property
    def shown(self) -> tuple[Group, ...]:
        """The groups that are large enough to be shown."""
        return tuple(group for group in self.groups if group.churn_rate.value is not None)


class Contrast(_Part):
    """One row of a crossing: the same customers, divided by a fact with two values."""

    name: str
    first: Group
    second: Group
    difference: Interval
    """Churn rate of ``first`` less that of ``second`` with its 95 % interval (Newcombe 1998, method 10)."""


class Crossing(_Part):
    """Two facts together."""

    fact: str
    by: str
    contrasts: tuple[Contrast, ...]


class Population(_Part):
    """Everybody in a feature table."""

    rows: int
    churners: int
    churn_rate: Interval
    value: float
    """What all customers are worth together, by the retention settings, if they stay."""
    value_lost: float
    cuts: tuple[Cut, ...]
    """The strongest fact first."""
    crossings: tuple[Crossing, ...]

    @property
    def doubtless(self) -> tuple[Cut, ...]:
        """The cuts that chance does not explain at 5 % among all of them (Bonferroni)."""
        return tuple(cut for cut in self.cuts if cut.chance < 0.05 / len(self.cuts))


@dataclass(frozen=True)
class _Fact:
    name: str
    expression: str
    values: tuple[str, ...] | None = None
    """Names of the expression's values 0, 1, 2; none where a value is its own name."""


_ACTIVITY = _Fact("activity", "IsActiveMember", ("inactive", "active"))
_AGE = _Fact("age", "age_band", AGE_BANDS)
_COUNTRY = _Fact("country", "Geography")
_HAS_BALANCE = _Fact("balance", "has_balance", ("no balance", "with a balance"))
_PRODUCTS = _Fact("number of products", "NumOfProducts - 1", ("1 product", "2 products", "3 products", "4 products"))


def _steps(column: str, *edges: int) -> str:
    """Return SQL that numbers the steps between ``edges``: 0 below the first, len(edges) from the last on."""
    return f"CASE {' '.join(f'WHEN {column} < {edge} THEN {number}' for number, edge in enumerate(edges))} ELSE {len(edges)} END"


_FACTS = (
    _PRODUCTS,
    _ACTIVITY,
    _AGE,
    _COUNTRY,
    _Fact("gender", "Gender"),
    _Fact(
        "balance",
        f"CASE WHEN has_balance = 0 THEN 0 ELSE 1 + {_steps('Balance', 100_000, 150_000)} END",
        ("no balance", "up to 100,000", "100,000 to 150,000", "150,000 and more"),
    ),
    _Fact("years with the bank", _steps("Tenure", 2, 5, 8), ("0 or 1", "2 to 4", "5 to 7", "8 and more")),
    _Fact("credit card", "HasCrCard", ("none", "has one")),
    _Fact("credit score", _steps("CreditScore", 500, 600, 700), ("under 500", "500 to 599", "600 to 699", "700 and more")),
    _Fact(
        "estimated salary",
        _steps("EstimatedSalary", 50_000, 100_000, 150_000),
        ("under 50,000", "50,000 to 100,000", "100,000 to 150,000", "150,000 and more"),
    ),
)
_CROSSED = ((_AGE, _ACTIVITY, (0, 1)), (_PRODUCTS, _ACTIVITY, (0, 1)), (_COUNTRY, _HAS_BALANCE, (1, 0)))
"""Each with the two values of the second fact, the one that is subtracted last."""


def read_population(features: Table, policy: RetentionPolicy) -> Population:
    """Count all customers of a feature table, with outcomes; no row is read into Python."""
    with connection(scratch=features.path.parent) as database:
        value = f"{policy.base_value!r} + {policy.balance_margin!r} * Balance"
        database.execute(f"CREATE TEMP VIEW customers AS SELECT *, {value} AS value FROM {scan(features)}")
        totals = f"SELECT COUNT(*), CAST(SUM({LABEL}) AS BIGINT), SUM(value), SUM(value * {LABEL}) FROM customers"
        rows, churners, worth, lost = database.execute(totals).fetchall()[0]
        cuts = [_cut(database, fact) for fact in _FACTS]
        crossings = tuple(_cross(database, fact, by, order) for fact, by, order in _CROSSED)
    return Population(
        rows=rows,
        churners=churners,
        churn_rate=_rate(churners, rows),
        value=worth,
        value_lost=lost,
        cuts=tuple(sorted(cuts, key=lambda cut: -cut.strength)),
        crossings=crossings,
    )


def _cut(database: duckdb.DuckDBPyConnection, fact: _Fact) -> Cut:
    query = (
        f"SELECT {fact.expression} AS part, COUNT(*), CAST(SUM({LABEL}) AS BIGINT), SUM(value * {LABEL}) FROM customers"
        " GROUP BY part ORDER BY part"
    )
    groups = tuple(_group(_name(fact, part), *counts) for part, *counts in database.execute(query).fetchall())
    counted = np.array([(group.churners, group.rows - group.churners) for group in groups])
    statistic, chance = chi2_contingency(counted, correction=False)[:2] if len(groups) > 1 else (0.0, 1.0)
    # With two outcomes the smaller side of the table is 2, so that V is the root of chi-squared over n.
    strength = math.sqrt(float(statistic) / float(counted.sum()))
    return Cut(fact=fact.name, groups=groups, strength=strength, chance=float(chance))


def _cross(database: duckdb.DuckDBPyConnection, fact: _Fact, by: _Fact, order: tuple[int, int]) -> Crossing:
    query = (
        f"SELECT {fact.expression} AS part, {by.expression} AS side, COUNT(*), CAST(SUM({LABEL}) AS BIGINT),"
        f" SUM(value * {LABEL}) FROM customers GROUP BY part, side ORDER BY part, side"
    )
    found = {(part, side): counts for part, side, *counts in database.execute(query).fetchall()}
    contrasts = []
    for part in dict.fromkeys(part for part, _ in found):
        first, second = (_group(_name(by, side), *found.get((part, side), (0, 0, 0.0))) for side in order)
        contrasts.append(Contrast(name=_name(fact, part), first=first, second=second, difference=_difference(first, second)))
    return Crossing(fact=fact.name, by=by.name, contrasts=tuple(contrasts))


def _name(fact: _Fact, value: int | str) -> str:
    return fact.values[value] if fact.values is not None and isinstance(value, int) else str(value)


def _group(name: str, rows: int, churners: int, value_lost: float) -> Group:
    return Group(name=name, rows=rows, churners=churners, churn_rate=_rate(churners, rows), value_lost=value_lost)


def _rate(churners: int, rows: int) -> Interval:
    if rows < FEWEST:
        return Interval(reason=f"fewer than {FEWEST} customers" if rows else "no customers")
    return share_reading(churners, rows, "no customers")


def _difference(first: Group, second: Group) -> Interval:
    one, other = first.churn_rate, second.churn_rate
    if one.value is None or other.value is None:
        return Interval(reason=one.reason or other.reason)
    low, high = difference_interval(first.churners, first.rows, second.churners, second.rows)
    return Interval(value=one.value - other.value, low=low, high=high)
