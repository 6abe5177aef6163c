"""The churn features: their names, their version and the SQL text that defines them; no name and no customer id among them."""

from __future__ import annotations

from fusionguard.data.contract_suites import LARGEST_AMOUNT, UniqueRule, between, one_of
from fusionguard.datasets.bank_churn.contract import CHURN_LIMITS, GENDERS, GEOGRAPHIES, LABEL_SHARE
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.expressions.tree import RawColumn, raw_columns
from fusionguard.features.churn_told import told_of_customers
from fusionguard.features.definition import FeatureContract, FeatureDefinition, Segmentation, sql_text

SCHEMA_VERSION = 1
"""Raised with every change of the meaning of a column that models read."""

LABEL = "Exited"
"""1 for a customer who left, 0 for one who stayed."""

ROW_NUMBER = "row_number"
"""The place of a row in its source, from 0: the table's order, and what tells customers apart without saying who they are."""

AGE_BAND = "age_band"
AGE_EDGES: tuple[int, ...] = (30, 40, 50, 60)
"""Where age bands begin; the first is open below, the last above."""

AGE_BANDS: tuple[str, ...] = ("under 30", "30 to 39", "40 to 49", "50 to 59", "60 and over")
"""The names of ``age_band``, by number."""

NUMERIC: tuple[str, ...] = (
    "CreditScore",
    "Age",
    "Tenure",
    "Balance",
    "NumOfProducts",
    "HasCrCard",
    "IsActiveMember",
    "EstimatedSalary",
    "has_balance",
    "balance_to_salary",
    "tenure_to_age",
)
CATEGORICAL: tuple[str, ...] = ("Geography", "Gender")
MODEL_FEATURES: tuple[str, ...] = (*NUMERIC, *CATEGORICAL)
"""What models read, in the order they read it; the texts come last, and models handle them natively.

The bands and interactions of the table are for people: trees find them in the columns they are made of, and cross-validated
quality is lower with them as further inputs."""

COLUMN_TYPES: dict[str, str] = {
    ROW_NUMBER: "int64",
    "CreditScore": "int32",
    "Geography": "string",
    "Gender": "string",
    "Age": "int32",
    "Tenure": "int32",
    "Balance": "double",
    "NumOfProducts": "int32",
    "HasCrCard": "int32",
    "IsActiveMember": "int32",
    "EstimatedSalary": "double",
    AGE_BAND: "int32",
    "has_balance": "int32",
    "balance_to_salary": "double",
    "tenure_to_age": "double",
    "country_products": "string",
    "activity_products": "string",
    LABEL: "int32",
}
"""The columns of a training table in order, with their Arrow types; a table for scoring lacks the first and the label."""

_BY_GENDER = Segmentation("gender", "Gender", {name: name for name in GENDERS})
_BY_GEOGRAPHY = Segmentation("geography", "Geography", {name: name for name in GEOGRAPHIES})
_AGE_BAND = " + ".join(f"CAST(Age >= {edge} AS INT)" for edge in AGE_EDGES)

_PRODUCTS = range(1, 5)
_STATES = ("active", "inactive")
_CELLS = (
    between(ROW_NUMBER, 0, 2**62),
    *(between(name, *CHURN_LIMITS[name]) for name in CHURN_LIMITS),
    one_of("Geography", GEOGRAPHIES),
    one_of("Gender", GENDERS),
    between("age_band", 0, len(AGE_BANDS) - 1),
    one_of("has_balance", (0, 1)),
    between("balance_to_salary", 0, LARGEST_AMOUNT),
    between("tenure_to_age", 0, 1),
    one_of("country_products", tuple(f"{country}, products: {number}" for country in GEOGRAPHIES for number in _PRODUCTS)),
    one_of("activity_products", tuple(f"{state}, products: {number}" for state in _STATES for number in _PRODUCTS)),
)

CHURN_FEATURES = FeatureDefinition(
    dataset="churn",
    schema_version=SCHEMA_VERSION,
    label=LABEL,
    column_types=COLUMN_TYPES,
    model_features=MODEL_FEATURES,
    raw={**raw_columns(CHURN.columns), ROW_NUMBER: RawColumn("integer")},
    rows_text=sql_text("churn_rows.sql"),
    training_set_text=sql_text("churn_training_set.sql"),
    positives="churners",
    negatives="customers who stayed",
    rows="customers",
    segmentations=(_BY_GENDER, Segmentation("age band", AGE_BAND, dict(enumerate(AGE_BANDS))), _BY_GEOGRAPHY),
    # The log has no column of age bands: they are not a model feature.
    log_segmentations=(_BY_GENDER, Segmentation("age band", _AGE_BAND, dict(enumerate(AGE_BANDS))), _BY_GEOGRAPHY),
    limits=CHURN_LIMITS,
    known={"Geography": GEOGRAPHIES, "Gender": GENDERS},
    made_of={
        "has_balance": ("Balance",),
        "balance_to_salary": ("Balance", "EstimatedSalary"),
        "tenure_to_age": ("Tenure", "Age"),
    },
    row_column=ROW_NUMBER,
    amount="Balance",
    # A request and the log have the age, not its band.
    attributes=(_BY_GENDER, Segmentation("age_band", _AGE_BAND, dict(enumerate(AGE_BANDS)), "Age"), _BY_GEOGRAPHY),
    words={
        "CreditScore": "credit score",
        "Tenure": "years with the bank",
        "Balance": "balance",
        "NumOfProducts": "number of products",
        "HasCrCard": "credit card",
        "IsActiveMember": "active member",
        "EstimatedSalary": "estimated salary",
    },
    told=told_of_customers(AGE_BANDS),
    contract=FeatureContract(_CELLS, UniqueRule("each row once", (ROW_NUMBER,)), order=ROW_NUMBER, label_share=LABEL_SHARE),
)
