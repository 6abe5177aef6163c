"""What a churn model's card is written from."""

from __future__ import annotations

from fusionguard.evaluation.card.inputs import CardInputs
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.report import ChurnReport
from fusionguard.families.churn.texts import currency_in_words, texts_of
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.told import Texts


class ChurnCardInputs(CardInputs):
    """The facts of one run."""

    plan: HoldoutPlan
    evaluation: ChurnReport
    config: ChurnConfig = ChurnConfig()

    @property
    def definition(self) -> FeatureDefinition:
        """What the columns of the rows are."""
        return self.features.definition

    @property
    def currency(self) -> str:
        """What profits are in, in words."""
        described = self.features.described
        declared = None if described is None else described.currency
        return declared or currency_in_words(self.evaluation.amount)

    @property
    def texts(self) -> Texts:
        """What is said of the data set."""
        return texts_of(self.definition)
