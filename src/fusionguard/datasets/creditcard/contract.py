"""What a file of card transactions must hold."""

from __future__ import annotations

from fusionguard.data.class_balance import UsualShare
from fusionguard.data.contract_suites import LARGEST_AMOUNT, Suite, UniqueRule, between, column_types, not_null, one_of
from fusionguard.data.schema import DatasetSchema

LARGEST_V = 150.0
"""The largest |V| published is 120.6 (V7); a file of other components, or of another scale, soon exceeds this."""
LAST_SECOND = 10 * 366 * 86_400
"""Ten years: ``Time`` counts seconds from the first day, so a date's epoch seconds are told apart."""
LABEL_SHARE = (0.0001, 0.2)
USUAL_SHARE = UsualShare(
    usual=0.00173, most_undeclared=0.01, positives="frauds", negatives="legitimate rows", said="of all transactions are fraud"
)
"""Legitimate rows are often sampled. Kaggle's whole file holds 492 frauds in 284,807 rows."""


def raw_suite(schema: DatasetSchema) -> Suite:
    """Return the contract on a raw table of this layout."""
    v_columns = [name for name in schema.columns if name.startswith("V")]
    return Suite(
        columns=column_types(schema),
        cells=(
            *(not_null(name) for name in schema.columns),
            between("Time", 0, LAST_SECOND),
            *(between(name, -LARGEST_V, LARGEST_V) for name in v_columns),
            between("Amount", 0, LARGEST_AMOUNT),
            one_of("Class", (0, 1)),
        ),
        unique=(
            UniqueRule("no exact duplicates", severity="warning"),
            UniqueRule("few exact duplicates", tolerated_share=0.05),
        ),
        label=schema.label,
        label_share=LABEL_SHARE,
        order="Time",
    )
