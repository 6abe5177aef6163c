"""What can be said of the churn family without a model of it."""

from __future__ import annotations

from fusionguard.datasets.bank_churn.drifting import CHURN_DRIFTING
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.families.churn.config import CHURN_SETTINGS_IN_BUNDLE, ChurnConfig
from fusionguard.families.family import COMMON_PACKAGES, REASONS, FamilyTraits, ServiceExample
from fusionguard.features.churn import CHURN_FEATURES

CHURN_TRAITS = FamilyTraits(
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
    drifting=CHURN_DRIFTING,
)
