"""The churn family, as shared rooms know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusionguard.data.schema import CHURN
from fusionguard.families.churn.config import CHURN_SETTINGS_IN_BUNDLE, ChurnConfig
from fusionguard.families.family import COMMON_PACKAGES, REASONS, ModelFamily, ServiceExample
from fusionguard.families.online import OnlineModel
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.models.bundle import Bundle

if TYPE_CHECKING:
    from fusionguard.families.churn.report import ChurnReport


class ChurnFamily(ModelFamily):
    """What a churn model needs of its own."""

    def open_online(self, bundle: Bundle) -> OnlineModel:
        """Load a bundle whole to answer requests."""
        from fusionguard.families.churn.model import load
        from fusionguard.families.churn.online import OnlineChurnModel

        return OnlineChurnModel(load(Bundle.open(bundle.folder)))

    @property
    def report(self) -> type[ChurnReport]:
        """The final reading of a churn model."""
        from fusionguard.families.churn.report import ChurnReport

        return ChurnReport


CHURN_FAMILY = ChurnFamily(
    name="churn",
    title="Churn model",
    about="Bank-customer churn: the probability that a customer leaves, and whether an offer is worth it.",
    risk="churn",
    thing="customer",
    outcome="exit",
    positive="a customer who left",
    schema=CHURN,
    features=CHURN_FEATURES,
    config=ChurnConfig,
    settings_in_bundle=CHURN_SETTINGS_IN_BUNDLE,
    outputs={
        "score": "double",
        "probability": "double",
        "decision": "string",
        "expected_profit": "double",
        "risk_band": "string",
        REASONS: "string",
    },
    flagged="offer",
    flagged_rows_are="to get an offer",
    worth="expected_profit",
    example={
        "CreditScore": 650,
        "Geography": "France",
        "Gender": "Female",
        "Age": 39,
        "Tenure": 5,
        "Balance": 50_500.0,
        "NumOfProducts": 1,
        "HasCrCard": 1,
        "IsActiveMember": 1,
        "EstimatedSalary": 100_000.0,
    },
    service_example=ServiceExample(
        answer={"score": -2.2, "probability": 0.1, "decision": "none", "expected_profit": -9.0, "risk_band": "guarded"},
        why="no offer: expected profit -9.00 does not exceed 0.00",
        base=-7.1,
        feature="Age",
        contribution=-0.4,
        faulty_field="Age",
    ),
    packages=(*COMMON_PACKAGES, "catboost", "lightgbm"),
    module="fusionguard.families.churn.model",
)
