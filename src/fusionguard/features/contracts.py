"""The contract on a feature table: read before anything is trained on it."""

from __future__ import annotations

from fusionguard.data.contract_report import ContractReport
from fusionguard.data.contract_suites import (
    CHURN_LIMITS,
    GENDERS,
    GEOGRAPHIES,
    LARGEST_AMOUNT,
    LARGEST_V,
    LAST_SECOND,
    CellRule,
    Suite,
    UniqueRule,
    between,
    not_null,
    one_of,
)
from fusionguard.data.table import Table
from fusionguard.features.churn import AGE_BANDS, CHURN_FEATURES, ROW_NUMBER
from fusionguard.features.definitions import feature_definition
from fusionguard.features.fraud import FRAUD_FEATURES, TIME, V_COLUMNS
from fusionguard.features.store import FeatureManifest


def check_features(features: Table, manifest: FeatureManifest) -> ContractReport:
    """Read the contract on a feature table and its manifest; call ``raise_if_broken()`` on the report to stop a run."""
    from fusionguard.data.contract_runner import run_suite

    weight = manifest.negative_weight
    return run_suite(
        features,
        feature_suite(manifest.dataset, manifest.rows),
        dataset=manifest.dataset,
        stage="features",
        negative_weight=weight,
    )


def feature_suite(dataset: str, rows: int) -> Suite:
    """Return the contract on the features of a data set whose manifest says ``rows``."""
    definition = feature_definition(dataset)
    cells, unique, order, label_share = _PARTS[dataset]
    return Suite(
        columns={name: (kind,) for name, kind in definition.column_types.items()},
        cells=(*(not_null(name) for name in definition.column_types), *cells, one_of(definition.label, (0, 1))),
        unique=(unique,),
        label=definition.label,
        label_share=label_share,
        rows=(rows, rows),
        order=order,
    )


_FRAUD_CELLS = (
    between(TIME, 0, LAST_SECOND),
    *(between(name, -LARGEST_V, LARGEST_V) for name in V_COLUMNS),
    between("Amount", 0, LARGEST_AMOUNT),
    between("amount_cents", 0, 100 * LARGEST_AMOUNT),
    between("hour_of_day", 0, 23),
    between("amount_fraction_cents", 0, 99),
)
_PRODUCTS = range(1, 5)
_STATES = ("active", "inactive")
_CHURN_CELLS = (
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
_PARTS: dict[str, tuple[tuple[CellRule, ...], UniqueRule, str, tuple[float, float]]] = {
    FRAUD_FEATURES.dataset: (_FRAUD_CELLS, UniqueRule("no exact duplicates"), TIME, (0.0001, 0.2)),
    CHURN_FEATURES.dataset: (_CHURN_CELLS, UniqueRule("each row once", (ROW_NUMBER,)), ROW_NUMBER, (0.02, 0.6)),
}
"""What each data set adds: rules on cells, what must be unique, the column in order, and the bounds of the label's share."""
