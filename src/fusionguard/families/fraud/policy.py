"""Which transactions become alerts: Bayes minimum risk on probability, amount and the cost of a review."""

from __future__ import annotations

from math import isnan

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from fusionguard.errors import DataError, UsageError
from fusionguard.evaluation.scored import Flags, Floats, ScoredRows
from fusionguard.families.fraud.config import PolicyConfig


class DecisionPolicy(BaseModel):
    """Alert where the money an alert is expected to save exceeds what it costs.

    An alert costs ``review_cost`` whatever comes of it; a fraud that is let through costs its amount, and one by which money is
    given back, whose amount is negative, what was given back, see :meth:`loss`. The expected saving of an alert is therefore
    ``probability * loss - review_cost`` (Bahnsen et al., "Cost Sensitive Credit Card Fraud Detection using Bayes Minimum Risk",
    ICMLA 2013), and alerting where it is above 0 minimises the expected cost. With fewer analysts than such alerts, the bar
    rises to ``minimum_expected_saving``, so that the alerts worth most remain.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    review_cost: float = Field(gt=0)
    """Cost of looking at one alert, in the currency of the amounts."""
    alerts_per_day: int | None = Field(default=None, ge=1)
    """The alert budget ``minimum_expected_saving`` was learned for; null for no limit."""
    minimum_expected_saving: float = Field(default=0.0, ge=0)
    """An alert must be expected to save more than this."""
    loss_without_amount: float = Field(default=PolicyConfig().loss_without_amount, gt=0)
    """What a fraud costs whose amount nobody knows."""

    @classmethod
    def free(cls, config: PolicyConfig) -> DecisionPolicy:
        """Return the policy that alerts whatever is worth it, before an alert budget raises its bar."""
        return cls(
            review_cost=config.review_cost,
            alerts_per_day=config.alerts_per_day,
            loss_without_amount=config.loss_without_amount,
        )

    def loss(self, amount: Floats) -> Floats:
        """Return (n,) what each transaction costs if it is a fraud: its amount, which may be NaN, or what is given back."""
        return np.where(np.isnan(amount), self.loss_without_amount, np.abs(amount))

    def loss_of(self, amount: float | None) -> float:
        """Return what one transaction costs if it is a fraud, as :meth:`loss`; None is a missing amount, too."""
        return self.loss_without_amount if amount is None or isnan(amount) else abs(amount)

    def expected_saving(self, probability: Floats, amount: Floats) -> Floats:
        """Return (n,) what alerting each transaction is expected to save, in the currency of ``amount``."""
        return np.asarray(probability * self.loss(amount) - self.review_cost, dtype=np.float64)

    def decide(self, probability: Floats, amount: Floats) -> Flags:
        """Return (n,) true where a transaction becomes an alert."""
        return np.asarray(self.expected_saving(probability, amount) > self.minimum_expected_saving, dtype=np.bool_)

    def reason(self, probability: float, amount: float | None) -> str:
        """Say in one line why a transaction becomes an alert, or why it does not."""
        loss = self.loss_of(amount)
        expected_loss = probability * loss
        bar = self.review_cost + self.minimum_expected_saving
        bar_name = f"the review cost of {self.review_cost:.2f}"
        if self.minimum_expected_saving > 0:
            bar_name += f" plus {self.minimum_expected_saving:.2f} for the alert budget"
        if expected_loss - self.review_cost > self.minimum_expected_saving:
            return f"alert: expected loss {expected_loss:.2f} exceeds {bar_name}"
        if loss <= bar:
            what = f"a fraud's loss of {loss:.2f}" if amount is None or loss != amount else f"amount {amount:.2f}"
            return f"accept: {what} is not above {bar_name}"
        return f"accept: expected loss {expected_loss:.2f} does not exceed {bar_name}"


def fit_policy(rows: ScoredRows, config: PolicyConfig) -> DecisionPolicy:
    """Learn a policy on the calibration slice.

    Without an alert budget there is nothing to learn: the bar is 0. With one, the bar is the lowest at which the weighted
    alerts of the slice, per day, stay within the budget.

    Raises
    ------
    UsageError
        There is an alert budget, and the rows have no time.
    DataError
        There are no rows to learn the bar from.
    """
    free = DecisionPolicy.free(config)
    if config.alerts_per_day is None:
        return free
    if rows.days is None:
        raise UsageError(
            f"policy.alerts_per_day is {config.alerts_per_day}, and rows without a time have no days.",
            "Declare the time, or set it to null: the cost of a review then says how many alerts there are.",
        )
    if rows.rows == 0:
        raise DataError("The alert budget cannot be learned: the calibration slice is empty.", "Give it a larger share.")
    saving = free.expected_saving(rows.probability, rows.amount)
    order = np.argsort(-saving, kind="stable")
    within = np.cumsum(rows.weight[order]) <= config.alerts_per_day * rows.days
    first_outside = int(np.argmin(within)) if not within.all() else None
    bar = 0.0 if first_outside is None else max(0.0, float(saving[order][first_outside]))
    return free.model_copy(update={"minimum_expected_saving": bar})
