"""What a campaign led by a ranking could earn at best: the maximum profit measures of churn (MPC and EMPC).

Formulas: Verbraken, Verbeke, Baesens, "A Novel Profit Maximizing Metric for Measuring Classification Performance of Customer
Churn Prediction Models", IEEE TKDE 25(5), 2013, pp. 961-973. With their ``delta = offer_cost / customer_value`` and
``phi = contact_cost / customer_value``, targeting a churner who accepts with probability ``gamma`` brings
``customer_value * (gamma * (1 - delta) - phi)`` and targeting a stayer costs ``customer_value * (delta + phi)``. MPC fixes
``gamma``; EMPC lets it follow Beta(alpha, beta), chooses the best threshold for each ``gamma``, and takes the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import betaincc

from fusionguard.evaluation.metrics import Labels, UndefinedMetricError
from fusionguard.evaluation.scored import Floats


@dataclass(frozen=True)
class MaximumProfit:
    """What the best campaign along a ranking earns, and how large it is.

    Parameters
    ----------
    profit
        Per customer of the base, targeted or not, in the currency of the costs; 0 where no campaign pays.
    fraction
        The share of the customers that is targeted, in [0, 1]; for EMPC its mean over ``gamma``.
    """

    profit: float
    fraction: float


def maximum_profit(
    label: Labels, score: Floats, *, customer_value: float, offer_cost: float, contact_cost: float, acceptance: float
) -> MaximumProfit:
    """Return the profit of the best threshold when a churner accepts with probability ``acceptance`` (MPC).

    Parameters
    ----------
    label, score
        (n,) each; 1 for a churner, a higher score for one more likely to leave.
    customer_value
        What a kept customer is worth on average, in some currency.
    offer_cost, contact_cost
        Cost of an offer that is taken and of a contact, at least 0, in the same currency.
    acceptance
        ``gamma``, in [0, 1].

    Raises
    ------
    UndefinedMetricError
        Only churners, only stayers, or no customers at all.
    """
    _need_both(label)
    hull = _Hull(label, score).segments(np.ones(label.size))
    profit = hull.churners * (acceptance * (customer_value - offer_cost) - contact_cost)
    profit -= (hull.customers - hull.churners) * (offer_cost + contact_cost)
    pays = profit > 0
    return MaximumProfit(float(np.sum(profit[pays])) / label.size, float(np.sum(hull.customers[pays])) / label.size)


def expected_maximum_profit(
    label: Labels, score: Floats, *, customer_value: float, offer_cost: float, contact_cost: float, alpha: float, beta: float
) -> MaximumProfit:
    """Return the mean profit of the best threshold over an acceptance that follows Beta(``alpha``, ``beta``) (EMPC).

    The parameters are those of :func:`maximum_profit`, with ``alpha`` and ``beta`` above 0 instead of ``acceptance``.
    Raises :class:`UndefinedMetricError` with one class only.
    """
    _need_both(label)
    reader = ProfitReader(
        label,
        score,
        customer_value=customer_value,
        offer_cost=offer_cost,
        contact_cost=contact_cost,
        alpha=alpha,
        beta=beta,
    )
    return reader.read(np.ones(label.size))


class ProfitReader:
    """EMPC of one ranking for any weights: the rows are sorted once.

    The parameters are those of :func:`expected_maximum_profit`.
    """

    def __init__(
        self,
        label: Labels,
        score: Floats,
        *,
        customer_value: float,
        offer_cost: float,
        contact_cost: float,
        alpha: float,
        beta: float,
    ) -> None:
        self._hull = _Hull(label, score)
        self._kept_value, self._offer_cost, self._contact_cost = customer_value - offer_cost, offer_cost, contact_cost
        self._alpha, self._beta = alpha, beta

    def expected_maximum_profit(self, weight: Floats) -> float:
        """Return EMPC, per customer, where row i stands for ``weight[i]`` customers; NaN where one class is missing."""
        return self.read(weight).profit

    def read(self, weight: Floats) -> MaximumProfit:
        """Return EMPC with the mean share targeted; both NaN where one class is missing.

        Each segment of the ROC convex hull is targeted from the ``gamma`` on at which it pays for itself, so that the integral
        over ``gamma`` is a sum of incomplete beta functions: exact, without a grid.
        """
        hull = self._hull.segments(weight)
        total, churners = float(np.sum(hull.customers)), float(np.sum(hull.churners))
        if not 0 < churners < total:
            return MaximumProfit(float("nan"), float("nan"))
        gain = hull.churners * self._kept_value
        cost = hull.customers * self._contact_cost + (hull.customers - hull.churners) * self._offer_cost
        # Where nothing can be gained the segment is never targeted: gamma stays below 1.
        breaks_even = np.minimum(np.divide(cost, gain, where=gain > 0, out=np.ones_like(cost)), 1.0)
        targeted = betaincc(self._alpha, self._beta, breaks_even)
        mean_acceptance = self._alpha / (self._alpha + self._beta)
        accepted = mean_acceptance * betaincc(self._alpha + 1, self._beta, breaks_even)
        profit = float(np.sum(gain * accepted - cost * targeted))
        return MaximumProfit(profit / total, float(np.sum(hull.customers * targeted)) / total)


@dataclass(frozen=True)
class _Segments:
    """The edges of a ROC convex hull from the highest score down: (m,) weights of all customers and of the churners."""

    customers: Floats
    churners: Floats


class _Hull:
    """The convex hull of a ROC curve as runs of the ranking.

    Pooling adjacent violators of a falling churn rate gives the hull's edges (Fawcett, Niculescu-Mizil, "PAV and the ROC convex
    hull", Machine Learning 68, 2007, pp. 97-106). Rows of equal score are one run, so the order of ties does not matter.
    """

    def __init__(self, label: Labels, score: Floats) -> None:
        self._order = np.argsort(-score, kind="stable")
        self._churned = label[self._order].astype(np.float64)
        ranked = score[self._order]
        self._starts: NDArray[np.intp] = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))

    def segments(self, weight: Floats) -> _Segments:
        if not weight.any():
            return _Segments(np.zeros(0), np.zeros(0))
        ranked = weight[self._order]
        customers = np.add.reduceat(ranked, self._starts)
        there = customers > 0  # a bootstrap draw leaves runs out
        customers, churners = customers[there], np.add.reduceat(ranked * self._churned, self._starts)[there]
        pooled = isotonic_regression(churners / customers, weights=customers, increasing=False).blocks[:-1]
        return _Segments(np.add.reduceat(customers, pooled), np.add.reduceat(churners, pooled))


def _need_both(label: Labels) -> None:
    if label.size == 0:
        raise UndefinedMetricError("no customers here")
    if not label.any():
        raise UndefinedMetricError("no churners here")
    if label.all():
        raise UndefinedMetricError("no stayers here")
