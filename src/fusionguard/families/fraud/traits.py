"""What can be said of the fraud family without a model of it."""

from __future__ import annotations

from fusionguard.datasets.creditcard.drifting import FRAUD_DRIFTING
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.datasets.history_words import RowWords
from fusionguard.families.family import COMMON_PACKAGES, REASONS, FamilyTraits, ServiceExample
from fusionguard.families.fraud.config import FRAUD_SETTINGS_IN_BUNDLE, FraudConfig
from fusionguard.features.fraud import FRAUD_FEATURES
from fusionguard.models.packages import XGBOOST

_PLACES = frozenset({"atm", "merchant", "seller", "shop", "store", "terminal"})

FRAUD_TRAITS = FamilyTraits(
    name="fraud",
    title="Card-fraud model",
    about="Card fraud: the probability that a transaction is one, and whether it is worth a review.",
    risk="card-fraud",
    thing="transaction",
    outcome="fraud",
    positive="a fraud",
    schema=FRAUD,
    features=FRAUD_FEATURES,
    config=FraudConfig,
    settings_in_bundle=FRAUD_SETTINGS_IN_BUNDLE,
    outputs={"score": "double", "probability": "double", "decision": "string", "expected_saving": "double", REASONS: "string"},
    flagged="review",
    flagged_rows_are="to review",
    worth="expected_saving",
    example=dict.fromkeys(FRAUD_FEATURES.model_columns, 0.0) | {"Amount": 22.0},
    service_example=ServiceExample(
        answer={"score": -7.5, "probability": 0.00055, "decision": "accept", "expected_saving": -2.99},
        why="accept: expected loss 0.01 does not exceed the review cost of 3.00",
        base=-7.1,
        feature="V14",
        contribution=-0.4,
        faulty_field="V3",
    ),
    packages=(*COMMON_PACKAGES, "onnxruntime", XGBOOST),
    module="fusionguard.families.fraud.model",
    drifting=FRAUD_DRIFTING,
    row_words=RowWords("payment", "payments", "was fraud", "were fraud", "was no fraud", _PLACES),
)
