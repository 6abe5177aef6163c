"""Offers that reach the leavers of every group alike: a bar for each group of one attribute, and what that costs in profit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.scored import Flags, Floats, Integers
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.retention import RetentionPolicy

_Z95 = 1.959963984540054
_PER = 1000


class MitigationPrice(BaseModel):
    """One policy with and without margins for groups, on the same customers with outcomes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attribute: str
    rows: int
    before: float | None
    """Gap of the true-positive rates between the groups without margins; null where fewer than two groups have leavers."""
    after: float | None
    """The same with margins."""
    offers_before: float
    offers_after: float
    """Offers per 1,000 customers."""
    profit_before: float
    profit_after: float
    """Campaign profit per 1,000 customers in the balances' currency, given who left and expected over who accepts."""
    price: Interval
    """``profit_before - profit_after`` and its 95 % interval; below 0 where evening out earns more."""

    def sentence(self) -> str:
        """Say in one sentence what evening out changes and costs."""
        attribute = self.attribute.replace("_", " ")
        gap = "cannot be compared" if self.before is None or self.after is None else f"{self.before:.3f} becomes {self.after:.3f}"
        return (
            f"With a bar for each {attribute}, the gap in the share of leavers who get an offer {gap};"
            f" per 1,000 customers, offers go from {self.offers_before:.0f} to {self.offers_after:.0f}"
            f" and profit from {self.profit_before:,.0f} to {self.profit_after:,.0f}:"
            f" a price of {self.price.text(0)}."
        )


class Mitigation(MitigationPrice):
    """A policy with margins, and what they change on the customers it was fitted on: a little too good to be true elsewhere."""

    policy: RetentionPolicy


def even_out(customers: ScoredCustomers, policy: RetentionPolicy, attribute: str) -> Mitigation:
    """Give each group of ``attribute`` its own bar, so that offers reach the same share of every group's leavers.

    This is equal opportunity (Hardt, Price and Srebro, "Equality of Opportunity in Supervised Learning", NeurIPS 2016,
    arXiv:1610.02413, section 4): whoever was about to leave has the same chance of an offer in every group. Their thresholds
    meet exactly by tossing coins for some customers; these do not, so that the same customer always gets the same answer, and
    rates meet to within a leaver or so of each group. Of the shares all groups can meet at, the one that earns the most on these
    customers is chosen, among those that keep ``policy.contacts``. A group without leavers here keeps the common bar.

    Parameters
    ----------
    customers
        Customers with outcomes, scored by models that have not seen them.
    policy
        What to even out; margins it already has are dropped.
    attribute
        A key of ``customers.groups``.

    Raises
    ------
    DataError
        An unknown attribute, or fewer than two groups with leavers.
    """
    plain = policy.model_copy(update={"group_margins": {}})
    names = customers.groups.get(attribute)
    if names is None:
        raise DataError(f"Customers are not grouped by '{attribute}'.", f"Known attributes: {', '.join(customers.groups)}.")
    groups = sorted({str(name) for name in names[customers.label == 1]})
    if len(groups) < 2:
        raise DataError(
            f"Offers cannot be evened out by {attribute}: {len(groups)} of its groups have customers who left.",
            "Give more customers, or set fairness.mitigation to none.",
        )
    curves = {group: _trace(customers, plain, names == group) for group in groups}
    others = plain.decide(customers.probability, customers.balance) & ~np.isin(names, groups)
    margins = _meet(curves, _room(customers, policy, others), plain)
    mitigated = plain.model_copy(update={"group_attribute": attribute, "group_margins": margins})
    return Mitigation(policy=mitigated, **price_of(customers, plain, mitigated).model_dump())


def price_of(customers: ScoredCustomers, policy: RetentionPolicy, mitigated: RetentionPolicy) -> MitigationPrice:
    """Compare a policy with its evened-out form on customers neither was fitted on, such as the test slice.

    The interval of the price is the normal one of a mean of paired differences, stratified by outcome.

    Raises
    ------
    DataError
        ``mitigated`` has no margins, there are no customers, or they are not grouped by its attribute.
    """
    attribute = mitigated.group_attribute
    if attribute is None or customers.rows == 0:
        raise DataError("There is no price to read: no customers, or a policy without margins.", "Call even_out first.")
    decisions = [each.decide(customers.probability, customers.balance, customers.groups) for each in (policy, mitigated)]
    profits = [policy.campaign_profit(customers.label, customers.balance, offered) for offered in decisions]
    before, after = (_gap(customers, offered, attribute) for offered in decisions)
    offers_before, offers_after = (float(_PER * offered.mean()) for offered in decisions)
    profit_before, profit_after = (float(_PER * profit.mean()) for profit in profits)
    return MitigationPrice(
        attribute=attribute,
        rows=customers.rows,
        before=before,
        after=after,
        offers_before=offers_before,
        offers_after=offers_after,
        profit_before=profit_before,
        profit_after=profit_after,
        price=mean_per_thousand(profits[0] - profits[1], customers),
    )


@dataclass(frozen=True)
class _Curve:
    """What the bar of one group can do: c cuts, from no offers to just enough for all its leavers."""

    reached: Integers
    """(c,) leavers with an offer, increasing."""
    offers: Integers
    profit: Floats
    bar: Floats

    def nearest(self, share: float) -> int:
        """Return the cut whose share of leavers is nearest to ``share``."""
        return int(np.argmin(np.abs(self.reached - share * self.reached[-1])))


def _trace(customers: ScoredCustomers, policy: RetentionPolicy, chosen: Flags) -> _Curve:
    group = customers.take(chosen)
    expected = policy.expected_profit(group.probability, group.balance)
    order = np.argsort(-expected, kind="stable")
    expected = expected[order]
    everyone = np.ones(group.rows, dtype=np.bool_)
    earned = policy.campaign_profit(group.label, group.balance, everyone)[order]
    # Customers who tie are on the same side of any bar: only after the last of them is a place to cut.
    last = np.flatnonzero(np.append(np.diff(expected) < 0, True))
    below = np.append(expected[last[:-1] + 1], expected[-1] - 1)
    reached = np.append(0, np.cumsum(group.label[order])[last])
    # A cut further down that reaches no further leaver only adds stayers, each of whom costs an offer.
    reached, first = np.unique(reached, return_index=True)
    return _Curve(
        reached=reached,
        offers=np.append(0, last + 1)[first],
        profit=np.append(0.0, np.cumsum(earned)[last])[first],
        bar=np.append(expected[0] + 1, (expected[last] + below) / 2)[first],
    )


def _meet(curves: dict[str, _Curve], room: float, policy: RetentionPolicy) -> dict[str, float]:
    """Return each group's margin at the common share of leavers that earns the most with at most ``room`` offers."""
    shares = np.unique(np.concatenate([curve.reached / curve.reached[-1] for curve in curves.values()]))
    best, most = dict.fromkeys(curves, 0), 0.0  # no offers to anyone earn nothing and always fit
    for share in shares:
        cuts = {group: curve.nearest(float(share)) for group, curve in curves.items()}
        profit = float(sum(curves[group].profit[cut] for group, cut in cuts.items()))
        offers = sum(int(curves[group].offers[cut]) for group, cut in cuts.items())
        if profit > most and offers <= room:
            best, most = cuts, profit
    return {group: float(curves[group].bar[cut]) - policy.minimum_expected_profit for group, cut in best.items()}


def _room(customers: ScoredCustomers, policy: RetentionPolicy, others: Flags) -> float:
    if policy.contacts is None:
        return np.inf
    return policy.contacts * customers.rows / _PER - float(np.count_nonzero(others))


def _gap(customers: ScoredCustomers, offered: Flags, attribute: str) -> float | None:
    names, left = customers.groups[attribute], customers.label == 1
    rates = [float(offered[left & (names == group)].mean()) for group in np.unique(names[left])]
    return max(rates) - min(rates) if len(rates) > 1 else None


def mean_per_thousand(values: Floats, customers: ScoredCustomers) -> Interval:
    """Return 1,000 times the mean of ``values`` (n,) with the normal 95 % interval of a mean stratified by outcome."""
    parts = [values[customers.label == outcome] for outcome in (0, 1)]
    variance = sum(part.size * float(part.var(ddof=1)) for part in parts if part.size > 1) / values.size**2
    mean, half = _PER * float(values.mean()), _PER * _Z95 * float(np.sqrt(variance))
    return Interval(value=mean, low=mean - half, high=mean + half)
