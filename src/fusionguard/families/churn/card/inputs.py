"""What a churn model's card is written from."""

from __future__ import annotations

from fusionguard.evaluation.card.inputs import CardInputs
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.report import ChurnReport


class ChurnCardInputs(CardInputs):
    """The facts of one run."""

    plan: HoldoutPlan
    evaluation: ChurnReport
    config: ChurnConfig = ChurnConfig()
