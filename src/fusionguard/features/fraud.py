"""The fraud features: their names, their version and the SQL text that defines them."""

from __future__ import annotations

from itertools import pairwise

from fusionguard.data.contract_suites import LARGEST_AMOUNT, UniqueRule, between
from fusionguard.datasets.creditcard.contract import LABEL_SHARE, LARGEST_V, LAST_SECOND
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.expressions.tree import raw_columns
from fusionguard.features.definition import FeatureContract, FeatureDefinition, Segmentation, sql_text

SCHEMA_VERSION = 1
"""Raised with every change of the meaning of a column."""

LABEL = "Class"
"""1 for a fraud, 0 for a legitimate transaction."""

TIME = "time_seconds"
"""Whole seconds since midnight of the first day; the table's order."""

V_COLUMNS: tuple[str, ...] = tuple(f"V{number}" for number in range(1, 29))
"""The principal components that the publisher made of the original fields."""

MODEL_FEATURES: tuple[str, ...] = (*V_COLUMNS, "Amount", "hour_of_day", "amount_fraction_cents")
"""What models read, in the order they read it. The time itself is not among them: it would only say how old a row is."""

COLUMN_TYPES: dict[str, str] = {
    TIME: "int64",
    **dict.fromkeys((*V_COLUMNS, "Amount"), "double"),
    "amount_cents": "int64",
    "hour_of_day": "int32",
    "amount_fraction_cents": "int32",
    LABEL: "int32",
}
"""The columns of a training table in order, with their Arrow types; a table for scoring lacks the label."""

AMOUNT_EDGES: tuple[float, ...] = (0.0, 1.0, 10.0, 100.0, 500.0)
"""Where bands of ``Amount`` begin; the last is open."""

_AMOUNT_BANDS = [f"{low:g} to under {high:g}" for low, high in pairwise(AMOUNT_EDGES)] + [f"{AMOUNT_EDGES[-1]:g} and more"]

_BY_AMOUNT = Segmentation(
    "amount",
    " + ".join(f"CAST(Amount >= {edge} AS INT)" for edge in AMOUNT_EDGES[1:]),
    dict(enumerate(_AMOUNT_BANDS)),
)
_PARTS_OF_DAY: dict[int | str, str] = {0: "00 to 05", 1: "06 to 11", 2: "12 to 17", 3: "18 to 23"}

_CELLS = (
    between(TIME, 0, LAST_SECOND),
    *(between(name, -LARGEST_V, LARGEST_V) for name in V_COLUMNS),
    between("Amount", 0, LARGEST_AMOUNT),
    between("amount_cents", 0, 100 * LARGEST_AMOUNT),
    between("hour_of_day", 0, 23),
    between("amount_fraction_cents", 0, 99),
)

FRAUD_FEATURES = FeatureDefinition(
    dataset="fraud",
    schema_version=SCHEMA_VERSION,
    label=LABEL,
    column_types=COLUMN_TYPES,
    model_features=MODEL_FEATURES,
    raw=raw_columns(FRAUD.columns),
    rows_text=sql_text("fraud_rows.sql"),
    training_set_text=sql_text("fraud_training_set.sql"),
    positives="frauds",
    negatives="legitimate transactions",
    rows="transactions",
    segmentations=(
        _BY_AMOUNT,
        Segmentation("hour of day", "hour_of_day", {hour: f"{hour:02d}" for hour in range(24)}),
        Segmentation("day", f"CAST(FLOOR({TIME} / 86400) AS INT)"),
    ),
    log_segmentations=(_BY_AMOUNT, Segmentation("time of day", "CAST(FLOOR(hour_of_day / 6) AS INT)", _PARTS_OF_DAY)),
    limits={
        "Time": (0.0, LAST_SECOND),
        **dict.fromkeys(V_COLUMNS, (-LARGEST_V, LARGEST_V)),
        "Amount": (0.0, LARGEST_AMOUNT),
    },
    made_of={"amount_fraction_cents": ("Amount",)},
    span_column="Time",
    time_column=TIME,
    amount="Amount",
    hour_column="hour_of_day",
    contract=FeatureContract(_CELLS, UniqueRule("no exact duplicates"), order=TIME, label_share=LABEL_SHARE),
)
