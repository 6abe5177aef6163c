"""The churn family, as shared rooms know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusionguard.families.churn.traits import CHURN_TRAITS
from fusionguard.families.family import ModelFamily
from fusionguard.families.online import OnlineModel
from fusionguard.families.words import FamilyWords
from fusionguard.models.bundle import Bundle

if TYPE_CHECKING:
    from fusionguard.datasets.inspection.problem import Problem
    from fusionguard.families.churn.report import ChurnReport
    from fusionguard.families.outcomes import Outcomes
    from fusionguard.families.training import FamilyTraining


class ChurnFamily(ModelFamily):
    """What a churn model needs of its own."""

    def open_online(self, bundle: Bundle) -> OnlineModel:
        """Load a bundle whole to answer requests."""
        from fusionguard.families.churn.model import load
        from fusionguard.families.churn.online import OnlineChurnModel

        return OnlineChurnModel(load(Bundle.open(bundle.folder)))

    @property
    def words(self) -> FamilyWords:
        """How people speak of it."""
        from fusionguard.families.churn.words import CHURN_WORDS

        return self.words_of(CHURN_WORDS)

    @property
    def problem(self) -> Problem:
        """How tables about it show themselves."""
        from fusionguard.families.churn.problem import CHURN_PROBLEM

        return CHURN_PROBLEM

    @property
    def outcomes(self) -> Outcomes:
        """How logged customers whose outcome is known are read."""
        from fusionguard.families.churn.outcomes import ChurnOutcomes

        return ChurnOutcomes(self.features)

    @property
    def report(self) -> type[ChurnReport]:
        """The final reading of a churn model."""
        from fusionguard.families.churn.report import ChurnReport

        return ChurnReport

    @property
    def training(self) -> FamilyTraining:
        """How churn models are read, explained, refitted and described."""
        from fusionguard.families.churn.training import ChurnTraining

        return ChurnTraining()


CHURN_FAMILY = ChurnFamily.of(CHURN_TRAITS)
