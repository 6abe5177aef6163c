"""The fraud family, as shared rooms know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusionguard.families.family import ModelFamily
from fusionguard.families.fraud.traits import FRAUD_TRAITS
from fusionguard.families.online import OnlineModel
from fusionguard.families.words import FamilyWords
from fusionguard.models.bundle import Bundle

if TYPE_CHECKING:
    from fusionguard.datasets.inspection.problem import Problem
    from fusionguard.families.fraud.report import EvaluationReport
    from fusionguard.families.outcomes import Outcomes
    from fusionguard.families.training import FamilyTraining


class FraudFamily(ModelFamily):
    """What a fraud model needs of its own."""

    def open_online(self, bundle: Bundle) -> OnlineModel:
        """Load a bundle whole to answer requests."""
        from fusionguard.families.fraud.model import load
        from fusionguard.families.fraud.online import OnlineFraudModel

        return OnlineFraudModel(load(Bundle.open(bundle.folder)))

    @property
    def words(self) -> FamilyWords:
        """How people speak of it."""
        from fusionguard.families.fraud.words import FRAUD_WORDS

        return self.words_of(FRAUD_WORDS)

    @property
    def problem(self) -> Problem:
        """How tables about it show themselves."""
        from fusionguard.families.fraud.problem import FRAUD_PROBLEM

        return FRAUD_PROBLEM

    @property
    def outcomes(self) -> Outcomes:
        """How logged transactions whose outcome is known are read."""
        from fusionguard.families.fraud.outcomes import FraudOutcomes

        return FraudOutcomes(self.features)

    @property
    def report(self) -> type[EvaluationReport]:
        """The final reading of a fraud model."""
        from fusionguard.families.fraud.report import EvaluationReport

        return EvaluationReport

    @property
    def training(self) -> FamilyTraining:
        """How fraud models are read, explained, refitted and described."""
        from fusionguard.families.fraud.training import FraudTraining

        return FraudTraining()


FRAUD_FAMILY = FraudFamily.of(FRAUD_TRAITS)
