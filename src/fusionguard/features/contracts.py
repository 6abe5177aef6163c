"""The contract on a feature table: read before anything is trained on it."""

from __future__ import annotations

from fusionguard.data.contract_report import ContractReport
from fusionguard.data.contract_suites import LARGEST_AMOUNT, LARGEST_V, LAST_SECOND, Suite, UniqueRule, between, not_null, one_of
from fusionguard.data.table import Table
from fusionguard.features.fraud import COLUMN_TYPES, LABEL, TIME, V_COLUMNS
from fusionguard.features.store import FeatureManifest


def check_features(features: Table, manifest: FeatureManifest) -> ContractReport:
    """Read the contract on a feature table and its manifest; call ``raise_if_broken()`` on the report to stop a run."""
    from fusionguard.data.contract_runner import run_suite

    weight = manifest.negative_weight
    return run_suite(features, feature_suite(manifest.rows), dataset=manifest.dataset, stage="features", negative_weight=weight)


def feature_suite(rows: int) -> Suite:
    """Return the contract on the fraud features of a manifest that says ``rows``."""
    return Suite(
        columns={name: (kind,) for name, kind in COLUMN_TYPES.items()},
        cells=(
            *(not_null(name) for name in COLUMN_TYPES),
            between(TIME, 0, LAST_SECOND),
            *(between(name, -LARGEST_V, LARGEST_V) for name in V_COLUMNS),
            between("Amount", 0, LARGEST_AMOUNT),
            between("amount_cents", 0, 100 * LARGEST_AMOUNT),
            between("hour_of_day", 0, 23),
            between("amount_fraction_cents", 0, 99),
            one_of(LABEL, (0, 1)),
        ),
        unique=(UniqueRule("no exact duplicates"),),
        label=LABEL,
        label_share=(0.0001, 0.2),
        rows=(rows, rows),
        order=TIME,
    )
