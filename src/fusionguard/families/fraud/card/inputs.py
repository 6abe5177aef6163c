"""What a fraud model's card is written from."""

from __future__ import annotations

from fusionguard.evaluation.card.inputs import CardInputs
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.config import FraudConfig
from fusionguard.families.fraud.report import EvaluationReport


class FraudCardInputs(CardInputs):
    """The facts of one run."""

    plan: SplitPlan
    evaluation: EvaluationReport
    config: FraudConfig = FraudConfig()
    uses_autoencoder: bool
    """Whether the model's scores come from trees and an autoencoder, or from trees alone."""

    @property
    def time_span_days(self) -> float:
        """How much time the data spans, from its first to its last transaction; 0 where these have no time."""
        first, last = self.plan.train.first_second, self.plan.test.last_second
        return 0.0 if first is None or last is None else (last - first + 1) / 86_400
