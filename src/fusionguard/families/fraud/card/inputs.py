"""What a fraud model's card is written from."""

from __future__ import annotations

from fusionguard.datasets.declaration import Declaration
from fusionguard.evaluation.card.inputs import CardInputs
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.config import FraudConfig
from fusionguard.families.fraud.report import EvaluationReport
from fusionguard.families.fraud.traits import FRAUD_TRAITS


class FraudCardInputs(CardInputs):
    """The facts of one run."""

    plan: SplitPlan
    evaluation: EvaluationReport
    config: FraudConfig = FraudConfig()
    uses_autoencoder: bool
    """Whether the model's scores come from trees and an autoencoder, or from trees alone."""

    @property
    def declared(self) -> Declaration | None:
        """What the owner of the data says of it; None for the data set that ships."""
        described = self.features.described
        shipped = described is None or FRAUD_TRAITS.on(described).model == FRAUD_TRAITS.name
        return None if shipped or described is None else described.declaration

    @property
    def words(self) -> dict[str, str]:
        """What people call a feature."""
        described = self.features.described
        return (FRAUD_TRAITS if described is None else FRAUD_TRAITS.on(described)).features.words

    @property
    def time_span_days(self) -> float | None:
        """How much time the data spans, from its first to its last transaction; None where these have no time."""
        first, last = self.plan.train.first_second, self.plan.test.last_second
        return None if first is None or last is None else (last - first + 1) / 86_400
