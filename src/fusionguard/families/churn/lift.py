"""How much of the churn, and of the profit, is reached by contacting only the first part of the customers."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.metrics import UndefinedMetricError
from fusionguard.evaluation.ranked import TopShare
from fusionguard.evaluation.scored import Floats
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.retention import RetentionPolicy


class LiftPoint(BaseModel):
    """What the customers of highest risk, up to a share of all, have in them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share_contacted: float
    """Of all customers, in (0, 1]."""
    lift: float
    """How many times the churners of as many customers picked at random."""
    gain: float
    """Share of all churners, in [0, 1]."""
    churn_rate: float
    """Share of churners among those contacted."""


class ProfitPoint(BaseModel):
    """What contacting a share of the customers earns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share_contacted: float
    profit: float
    """Per 1,000 customers, contacted or not, in the currency of the balances: outcomes as observed, acceptance at its mean."""


class ProfitCurve(BaseModel):
    """Profit by share contacted, best offers first, and where the policy stops."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: tuple[ProfitPoint, ...]
    """From nobody to everybody, evenly spaced."""
    policy_point: ProfitPoint
    """What the policy itself offers and earns."""


def lift_table(customers: ScoredCustomers, points: int = 20) -> tuple[LiftPoint, ...]:
    """Read lift and gain at ``points`` evenly spaced shares of the customers, highest score first.

    Customers of equal score are reached together: a share that ends among them counts them in proportion, as if their order
    were drawn by lot.

    Raises
    ------
    UndefinedMetricError
        No churners to reach, or no customers.
    """
    _need_customers(customers)
    if customers.churners == 0:
        raise UndefinedMetricError("no churners here")
    share = _shares(points)[1:]
    caught = TopShare(customers.label, customers.score).collected(np.ones(customers.rows), share)
    gain, base_rate = caught / customers.churners, customers.churners / customers.rows
    return tuple(
        LiftPoint(share_contacted=float(s), lift=float(g / s), gain=float(g), churn_rate=float(base_rate * g / s))
        for s, g in zip(share, gain, strict=True)
    )


def profit_curve(customers: ScoredCustomers, policy: RetentionPolicy, points: int = 50) -> ProfitCurve:
    """Trace the profit of contacting more and more customers, in the order in which the policy would.

    That is by expected profit, less the margin of the customer's group where the policy has margins. Profits are those of
    :meth:`RetentionPolicy.campaign_profit`; ties are taken in proportion, as in :func:`lift_table`.

    Raises
    ------
    UndefinedMetricError
        There are no customers.
    DataError
        The policy has margins for groups that these customers do not name.
    """
    _need_customers(customers)
    bar = policy.bar(customers.rows, customers.groups)
    surplus = policy.expected_profit(customers.probability, customers.balance) - bar
    everybody = np.ones(customers.rows, dtype=np.bool_)
    earned = policy.campaign_profit(customers.label, customers.balance, everybody)
    share = _shares(points)
    profit = 1000 * TopShare(earned, surplus).collected(np.ones(customers.rows), share) / customers.rows
    offered = policy.decide(customers.probability, customers.balance, customers.groups)
    return ProfitCurve(
        points=tuple(ProfitPoint(share_contacted=float(s), profit=float(p)) for s, p in zip(share, profit, strict=True)),
        policy_point=ProfitPoint(
            share_contacted=float(np.mean(offered)), profit=1000 * float(np.sum(earned[offered])) / customers.rows
        ),
    )


def _need_customers(customers: ScoredCustomers) -> None:
    if customers.rows == 0:
        raise UndefinedMetricError("no customers here")


def _shares(points: int) -> Floats:
    return np.arange(points + 1) / points
