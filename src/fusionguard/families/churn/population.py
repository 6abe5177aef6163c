"""Who leaves, in plain counts: shares of leavers by one fact about customers and by two, computed inside DuckDB."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.stats import chi2_contingency

from fusionguard.data.table import Table
from fusionguard.datasets.table_rows import string
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.readings import share_reading
from fusionguard.families.churn.groups import THE_OTHERS
from fusionguard.families.churn.retention import RetentionPolicy
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.duckdb_engine import connection, scan
from fusionguard.features.told import CrossedFacts, Fact
from fusionguard.proportions import difference_interval

FEWEST = 10
"""Groups of fewer customers are not shown: their few members could be told from the numbers."""

_CROSSED = 2
MOST_SHOWN = 10
"""Facts that are shown, at most."""

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
    """The strongest fact first; of many, the strongest."""
    looked_at: int
    """How many facts were looked at to find them."""
    crossings: tuple[Crossing, ...]
    """None where fewer than two facts divide the customers."""

    @property
    def doubtless(self) -> tuple[Cut, ...]:
        """The cuts that chance does not explain at 5 % among all that were looked at (Bonferroni)."""
        return tuple(cut for cut in self.cuts if cut.chance < 0.05 / self.looked_at)


@dataclass(frozen=True)
class _Counted:
    """A fact with what was counted of it: its parts as the expression gives them, in the order of the cut's groups."""

    fact: Fact
    cut: Cut
    parts: tuple[int | str, ...]


def read_population(features: Table, definition: FeatureDefinition, facts: Sequence[Fact], policy: RetentionPolicy) -> Population:
    """Count all customers of a feature table, with outcomes; no row is read into Python.

    Parameters
    ----------
    facts
        What the customers are divided by.
    """
    label = definition.label
    with connection(scratch=features.path.parent) as database:
        amount = "0" if definition.amount is None else f"COALESCE({definition.amount}, 0)"
        value = f"{policy.base_value!r} + {policy.balance_margin!r} * {amount}"
        outcome = f"CAST({label} AS INT) AS _churned"
        database.execute(f"CREATE TEMP VIEW customers AS SELECT *, {value} AS _value, {outcome} FROM {scan(features)}")
        totals = "SELECT COUNT(*), CAST(SUM(_churned) AS BIGINT), SUM(_value), SUM(_value * _churned) FROM customers"
        rows, churners, worth, lost = database.execute(totals).fetchall()[0]
        counted = sorted((_count(database, fact) for fact in facts), key=lambda each: -each.cut.strength)
        written = definition.told.crossings if definition.told is not None else ()
        crossings = tuple(_cross(database, crossed) for crossed in written or _strongest(counted))
    return Population(
        rows=rows,
        churners=churners,
        churn_rate=_rate(churners, rows),
        value=worth,
        value_lost=lost,
        cuts=tuple(each.cut for each in counted[:MOST_SHOWN]),
        looked_at=len(counted),
        crossings=crossings,
    )


def _count(database: duckdb.DuckDBPyConnection, fact: Fact) -> _Counted:
    query = (
        f"SELECT {fact.expression}, COUNT(*), CAST(SUM(_churned) AS BIGINT), SUM(_value * _churned) FROM customers"
        " GROUP BY 1 ORDER BY 1"
    )
    found = database.execute(query).fetchall()
    groups = tuple(_group(_name(fact, part), *counts) for part, *counts in found)
    counted = np.array([(group.churners, group.rows - group.churners) for group in groups])
    statistic, chance = chi2_contingency(counted, correction=False)[:2] if len(groups) > 1 else (0.0, 1.0)
    # With two outcomes the smaller side of the table is 2, so that V is the root of chi-squared over n.
    strength = math.sqrt(float(statistic) / float(counted.sum()))
    cut = Cut(fact=fact.name, groups=groups, strength=strength, chance=float(chance))
    return _Counted(fact, cut, tuple(part for part, *_ in found))


def _strongest(counted: Sequence[_Counted]) -> tuple[CrossedFacts, ...]:
    """Cross the strongest fact, as its likeliest leavers and all others, with the next ones."""
    dividing = [each for each in counted if len(each.cut.shown) > 1]
    if not dividing:
        return ()
    first, *others = dividing
    shown = [(group, part) for group, part in zip(first.cut.groups, first.parts, strict=True) if group in first.cut.shown]
    likeliest, part = max(shown, key=lambda pair: pair[0].churn_rate.value or 0.0)
    rest = [group.name for group in first.cut.groups if group != likeliest]
    value = part if isinstance(part, int) else string(part)
    by = Fact(
        first.fact.name,
        f"CASE WHEN {first.fact.expression} = {value} THEN 0 ELSE 1 END",
        (likeliest.name, rest[0] if len(rest) == 1 else THE_OTHERS),
    )
    return tuple(CrossedFacts(each.fact, by) for each in others[:_CROSSED])


def _cross(database: duckdb.DuckDBPyConnection, crossed: CrossedFacts) -> Crossing:
    fact, by = crossed.fact, crossed.by
    query = (
        f"SELECT {fact.expression}, {by.expression}, COUNT(*), CAST(SUM(_churned) AS BIGINT),"
        " SUM(_value * _churned) FROM customers GROUP BY 1, 2 ORDER BY 1, 2"
    )
    found = {(part, side): counts for part, side, *counts in database.execute(query).fetchall()}
    contrasts = []
    for part in dict.fromkeys(part for part, _ in found):
        first, second = (_group(_name(by, side), *found.get((part, side), (0, 0, 0.0))) for side in crossed.sides)
        contrasts.append(Contrast(name=_name(fact, part), first=first, second=second, difference=_difference(first, second)))
    return Crossing(fact=fact.name, by=by.name, contrasts=tuple(contrasts))


def _name(fact: Fact, value: int | str) -> str:
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
