"""What a file of the bank's customers must hold."""

from __future__ import annotations

from fusionguard.data.contract_suites import LARGEST_AMOUNT, Suite, UniqueRule, between, column_types, not_null, one_of
from fusionguard.data.schema import DatasetSchema

GEOGRAPHIES: tuple[str, ...] = ("France", "Germany", "Spain")
GENDERS: tuple[str, ...] = ("Female", "Male")
CHURN_LIMITS: dict[str, tuple[float, float]] = {
    "CreditScore": (300, 850),
    "Age": (18, 110),
    "Tenure": (0, 10),
    "Balance": (0, LARGEST_AMOUNT),
    "NumOfProducts": (1, 4),
    "HasCrCard": (0, 1),
    "IsActiveMember": (0, 1),
    "EstimatedSalary": (0, LARGEST_AMOUNT),
}
LABEL_SHARE = (0.02, 0.6)


def raw_suite(schema: DatasetSchema) -> Suite:
    """Return the contract on a raw table of this layout, or of one that lacks optional columns."""
    flags = ("HasCrCard", "IsActiveMember", schema.label)
    unique = [UniqueRule("each customer once", ("CustomerId",)), UniqueRule("each row number once", ("RowNumber",))]
    unique = [rule for rule in unique if set(rule.columns) <= set(schema.columns)]
    if "CustomerId" not in schema.columns:  # then nothing else says that a customer is there twice
        told_apart_by = tuple(name for name in schema.columns if name != "RowNumber")
        unique.append(UniqueRule("no exact duplicates", told_apart_by, severity="warning"))
    return Suite(
        columns=column_types(schema),
        cells=(
            *(not_null(name) for name in schema.columns),
            one_of("Geography", GEOGRAPHIES),
            one_of("Gender", GENDERS),
            *(between(name, *CHURN_LIMITS[name]) for name in schema.columns if name in CHURN_LIMITS and name not in flags),
            *(one_of(name, (0, 1)) for name in flags),
        ),
        unique=tuple(unique),
        label=schema.label,
        label_share=LABEL_SHARE,
        private=schema.private,
    )
