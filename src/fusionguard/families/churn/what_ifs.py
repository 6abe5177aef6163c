"""What a campaign would have given otherwise: led by simple rules instead of the model, or under other values and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from fusionguard.data.table import Table
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.scored import Flags, Floats
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.mitigation import mean_per_thousand
from fusionguard.families.churn.retention import RetentionPolicy
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.duckdb_engine import connection, scan
from fusionguard.proportions import wilson_interval

PRIOR_CUSTOMERS = 10
"""A rule's small cells are pulled towards the churn rate of all, as if so many more customers left as all do."""

_TOP = 0.1
_ACCEPTANCE_THIRDS = (1, 2, 3, 4, 5)
_COST_FACTORS = (0.5, 1.0, 2.0, 4.0)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RuleReading(_Part):
    """What a list of as many contacts as the policy's reaches and earns when a rule of thumb makes it."""

    rule: str
    reached: Interval
    """Share of the leavers, with Wilson's 95 % interval."""
    reached_in_top_tenth: float
    """Share of the leavers among the tenth of the customers that the rule thinks likeliest to leave."""
    profit: float
    """Campaign profit per 1,000 customers."""
    policy_ahead: Interval
    """By how much the policy's profit is above this, with the normal 95 % interval of paired differences by outcome."""


class WhatIf(_Part):
    """The campaign's profit on the test slice if acceptance and the cost of an offer were these."""

    acceptance: float
    offer_cost: float
    same_list: float
    """Profit per 1,000 customers of the policy's own offers, made under its own assumptions."""
    new_list: float
    """The same with offers decided anew under these, without limits of contacts and bars of groups."""
    new_offers: float
    """How many offers that is per 1,000 customers."""


def read_rules(
    features: Table,
    definition: FeatureDefinition,
    rules: Mapping[str, Sequence[str]],
    customers: ScoredCustomers,
    policy: RetentionPolicy,
) -> tuple[RuleReading, ...]:
    """Read rules of thumb on the test slice, each at as many contacts as the policy makes there.

    A rule divides customers into cells by one to four facts and takes the share of leavers of a cell, counted on the
    development part, as everybody's probability; best offers come first, with the policy's values and costs. Customers who tie
    are taken in proportion.

    Parameters
    ----------
    features
        The whole feature table, with outcomes; the rows that ``customers`` does not name are the development part.
    rules
        By name the expressions over the table whose values make a cell.
    customers
        The test slice.
    policy
        Who gets an offer.

    Returns
    -------
    tuple
        One reading a rule, the simplest first; none where row numbers repeat, so that the parts cannot be told apart.
    """
    offered = policy.decide(customers.probability, customers.balance, customers.groups)
    return tuple(
        _read_rule(rule, customers.scored_by(rates), unlimited(policy), offered)
        for rule, rates in _cell_rates(features, definition, rules, customers).items()
    )


def what_ifs(customers: ScoredCustomers, policy: RetentionPolicy) -> tuple[WhatIf, ...]:
    """Read profits under a third to five thirds of the assumed acceptance, and half to four times the cost of an offer."""
    acceptances = [round(policy.acceptance * thirds / 3, 6) for thirds in _ACCEPTANCE_THIRDS if policy.acceptance * thirds < 3]
    costs = [policy.offer_cost * factor for factor in _COST_FACTORS]
    return tuple(what_if(customers, policy, acceptance, cost) for acceptance in acceptances for cost in costs)


def what_if(customers: ScoredCustomers, policy: RetentionPolicy, acceptance: float, offer_cost: float) -> WhatIf:
    """Read the profit under one acceptance and one cost of an offer."""
    truth = unlimited(policy).model_copy(update={"acceptance": acceptance, "offer_cost": offer_cost})
    kept = policy.decide(customers.probability, customers.balance, customers.groups)
    anew = truth.decide(customers.probability, customers.balance)
    same, new = (1000 * float(truth.campaign_profit(customers.label, customers.balance, each).mean()) for each in (kept, anew))
    return WhatIf(
        acceptance=acceptance, offer_cost=offer_cost, same_list=same, new_list=new, new_offers=1000 * float(anew.mean())
    )


def break_even_acceptance(customers: ScoredCustomers, policy: RetentionPolicy) -> float | None:
    """Return the acceptance at which the policy's offers would just pay; null where no leaver gets one that could."""
    offered = policy.decide(customers.probability, customers.balance, customers.groups)
    left = offered & (customers.label == 1)
    worth = float(np.sum(policy.customer_value(customers.balance[left]) - policy.offer_cost))
    wasted = policy.offer_cost * float(np.count_nonzero(offered & (customers.label == 0)))
    return (wasted + policy.contact_cost * float(np.count_nonzero(offered))) / worth if worth > 0 else None


def unlimited(policy: RetentionPolicy) -> RetentionPolicy:
    """Return the policy without a limit of contacts and without bars for groups."""
    free: dict[str, Any] = {"contacts": None, "minimum_expected_profit": 0.0, "group_attribute": None, "group_margins": {}}
    return policy.model_copy(update=free)


def _read_rule(rule: str, customers: ScoredCustomers, policy: RetentionPolicy, offered: Flags) -> RuleReading:
    label = customers.label
    listed = _first(policy.expected_profit(customers.probability, customers.balance), float(offered.mean()))
    earned = policy.campaign_profit(label, customers.balance, np.ones(customers.rows, dtype=np.bool_))
    reached = float(np.sum(listed * label)) / customers.churners
    low, high = wilson_interval(round(reached * customers.churners), customers.churners)
    return RuleReading(
        rule=rule,
        reached=Interval(value=reached, low=low, high=high),
        reached_in_top_tenth=float(np.sum(_first(customers.probability, _TOP) * label)) / customers.churners,
        profit=1000 * float(np.mean(listed * earned)),
        policy_ahead=mean_per_thousand((offered - listed) * earned, customers),
    )


def _first(rank: Floats, share: float) -> Floats:
    """Return (n,) how much of each customer is in the first ``share`` of all by falling ``rank``: 0, 1, or a part for ties."""
    _, level, size = np.unique(-rank, return_inverse=True, return_counts=True)
    before = np.cumsum(size) - size
    return np.asarray(np.clip((share * rank.size - before) / size, 0.0, 1.0)[level], dtype=np.float64)


def _cell_rates(
    features: Table, definition: FeatureDefinition, rules: Mapping[str, Sequence[str]], customers: ScoredCustomers
) -> dict[str, Floats]:
    number, label = definition.row_column, definition.label
    places = pa.table({str(number): customers.row_number, "place": np.arange(customers.rows)})
    with connection(scratch=features.path.parent) as database:
        database.register("test_places", places)
        database.execute(f"CREATE TEMP VIEW features AS SELECT *, CAST({label} AS INT) AS _churned FROM {scan(features)}")
        repeated = f"SELECT COUNT(*) > COUNT(DISTINCT {number}) FROM features"
        if database.execute(repeated).fetchall()[0][0]:
            return {}
        return {rule: _rates(database.execute(_rates_sql(str(number), cell)).fetchall()) for rule, cell in rules.items()}


def _rates_sql(number: str, cell: Sequence[str]) -> str:
    names = ", ".join(f"_cell_{place}" for place in range(len(cell)))
    made = ", ".join(f"{expression} AS _cell_{place}" for place, expression in enumerate(cell))
    return (
        f"WITH celled AS (SELECT {number}, _churned, {made} FROM features),"
        f" development AS (SELECT * FROM celled WHERE {number} NOT IN (SELECT {number} FROM test_places)),"
        f" everybody AS (SELECT AVG(_churned) AS rate FROM development),"
        f" cells AS (SELECT {names}, COUNT(*) AS customers, SUM(_churned) AS churners FROM development GROUP BY {names})"
        f" SELECT (COALESCE(churners, 0) + {PRIOR_CUSTOMERS} * rate) / (COALESCE(customers, 0) + {PRIOR_CUSTOMERS})"
        f" FROM test_places JOIN celled USING ({number}) LEFT JOIN cells USING ({names}), everybody ORDER BY place"
    )


def _rates(rows: list[tuple[float]]) -> Floats:
    return np.array([rate for (rate,) in rows], dtype=np.float64)
