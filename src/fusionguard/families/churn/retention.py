"""Which customers get an offer: expected profit from probability, value and the costs of keeping."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from fusionguard.errors import DataError
from fusionguard.evaluation.metrics import Labels
from fusionguard.evaluation.scored import Flags, Floats
from fusionguard.families.churn.config import RetentionConfig
from fusionguard.families.churn.customers import ScoredCustomers

Groups = Mapping[str, NDArray[np.str_]]
"""By attribute an (n,) array of the groups' names, as in :class:`ScoredCustomers`."""


class RetentionPolicy(BaseModel):
    """Make an offer where it is expected to earn more than it costs.

    A customer is contacted with an offer. One who was going to leave takes it with probability ``acceptance`` and then stays:
    their value is kept for the price of the offer. One who was going to stay takes it in any case: the offer is wasted. The
    expected profit of an offer is therefore ``p * acceptance * (value - offer_cost) - (1 - p) * offer_cost - contact_cost``:
    the campaign of Verbraken, Verbeke, Baesens (IEEE TKDE 25(5), 2013, pp. 961-973) with each customer's own value, and the
    best rule there is if the probabilities are right. With fewer contacts than offers that pay, the bar rises to
    ``minimum_expected_profit``, so that those worth most remain. ``group_margins`` move the bar of single groups.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_value: float = Field(ge=0, allow_inf_nan=False)
    """Value of a customer who stays, whatever the balance."""
    balance_margin: float = Field(ge=0, allow_inf_nan=False)
    """Value of a customer who stays, for each unit of balance."""
    offer_cost: float = Field(gt=0, allow_inf_nan=False)
    """Cost of an offer that is taken."""
    contact_cost: float = Field(ge=0, allow_inf_nan=False)
    """Cost of contacting a customer."""
    acceptance: float = Field(gt=0, lt=1)
    """The chance that a leaving customer takes the offer and stays: the mean of the assumed beta distribution."""
    contacts: int | None = Field(default=None, ge=1)
    """The contacts per 1,000 customers ``minimum_expected_profit`` was learned for, before any margins; null for no limit."""
    minimum_expected_profit: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """An offer must be expected to earn more than this."""
    group_attribute: str | None = None
    """What ``group_margins`` tells customers apart by."""
    group_margins: dict[str, float] = Field(default_factory=dict)
    """What is added to the bar of a group; negative where a group gets more offers than profit alone would give it."""

    @model_validator(mode="after")
    def _margins_belong_to_an_attribute(self) -> RetentionPolicy:
        if self.group_margins and self.group_attribute is None:
            raise ValueError("group_margins need a group_attribute")
        if not all(np.isfinite(margin) for margin in self.group_margins.values()):
            raise ValueError("group_margins must be finite numbers")
        return self

    def customer_value(self, balance: Floats) -> Floats:
        """Return (n,) what each customer is worth if kept, in the currency of ``balance`` (n,)."""
        return np.asarray(self.base_value + self.balance_margin * balance, dtype=np.float64)

    def expected_profit(self, probability: Floats, balance: Floats) -> Floats:
        """Return (n,) what an offer to each customer is expected to earn, in the currency of ``balance``."""
        kept = probability * self.acceptance * (self.customer_value(balance) - self.offer_cost)
        earned: Floats = kept - (1 - probability) * self.offer_cost - self.contact_cost
        return earned

    def bar(self, rows: int, groups: Groups | None = None) -> Floats:
        """Return (rows,) what an offer to each customer must be expected to earn; a group without a margin has none added.

        Raises
        ------
        DataError
            The policy has margins and ``groups`` does not say who belongs where.
        """
        bars = np.full(rows, self.minimum_expected_profit)
        if not self.group_margins:
            return bars
        group_of_row = None if groups is None else groups.get(self.group_attribute or "")
        if group_of_row is None:
            raise self._unknown_group()
        for group, margin in self.group_margins.items():
            bars[group_of_row == group] += margin
        return bars

    def decide(self, probability: Floats, balance: Floats, groups: Groups | None = None) -> Flags:
        """Return (n,) true where a customer gets an offer; ``groups`` is needed where the policy has margins.

        Raises :class:`DataError` as :meth:`bar` does.
        """
        profit = self.expected_profit(probability, balance)
        return np.asarray(profit > self.bar(profit.size, groups), dtype=np.bool_)

    def reason(self, probability: float, balance: float, group: str | None = None) -> str:
        """Say in one line why a customer gets an offer, or why not; ``group`` is theirs of ``group_attribute``."""
        value = self.base_value + self.balance_margin * balance
        profit = float(self.expected_profit(np.array([probability]), np.array([balance]))[0])
        bar, bar_name = self._bar_in_words(group)
        if profit > bar:
            return f"offer: expected profit {profit:.2f} exceeds {bar_name}"
        if value <= self.offer_cost and bar >= 0:
            return f"no offer: value {value:.2f} is not above the offer's cost of {self.offer_cost:.2f}"
        return f"no offer: expected profit {profit:.2f} does not exceed {bar_name}"

    def campaign_profit(self, label: Labels, balance: Floats, offered: Flags) -> Floats:
        """Return (n,) what offers to ``offered`` (n,) earn now that the outcome is known, in the currency of ``balance``.

        The mean over who accepts: ``acceptance * (value - offer_cost) - contact_cost`` for a churner,
        ``-offer_cost - contact_cost`` for a stayer, 0 without an offer.
        """
        return np.where(offered, self.expected_profit(label.astype(np.float64), balance), 0.0)

    def _bar_in_words(self, group: str | None) -> tuple[float, str]:
        bar, name = self.minimum_expected_profit, f"{self.minimum_expected_profit:.2f}"
        if bar > 0:
            name += ", the bar for the limit of contacts"
        if not self.group_margins:
            return bar, name
        if group is None:
            raise self._unknown_group()
        bar += self.group_margins.get(group, 0.0)
        return bar, f"{bar:.2f}, the bar for {self.group_attribute} '{group}'"

    def _unknown_group(self) -> DataError:
        return DataError(
            f"The retention policy has a bar for each group of '{self.group_attribute}', which is not known here.",
            f"Give each customer's '{self.group_attribute}'.",
        )


def fit_retention_policy(customers: ScoredCustomers, config: RetentionConfig) -> RetentionPolicy:
    """Learn a policy on customers scored by models that have not seen them.

    Without a limit of contacts there is nothing to learn: the bar is 0. With one, the bar is the lowest at which the offers to
    these customers, per 1,000 of them, stay within the limit; customers who tie at the border stay out together.

    Raises
    ------
    DataError
        There are no customers to learn the bar from.
    """
    free = RetentionPolicy(
        base_value=config.base_value,
        balance_margin=config.balance_margin,
        offer_cost=config.offer_cost,
        contact_cost=config.contact_cost,
        acceptance=config.acceptance_alpha / (config.acceptance_alpha + config.acceptance_beta),
        contacts=config.contacts,
    )
    if config.contacts is None:
        return free
    if customers.rows == 0:
        raise DataError(
            "The limit of contacts cannot be learned: there are no customers.", "Give the development part more rows."
        )
    profit = -np.sort(-free.expected_profit(customers.probability, customers.balance))
    within = config.contacts * customers.rows // 1000
    bar = max(0.0, float(profit[within])) if within < customers.rows else 0.0
    return free.model_copy(update={"minimum_expected_profit": bar})
