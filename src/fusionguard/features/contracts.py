"""The contract on a feature table: read before anything is trained on it."""

from __future__ import annotations

from fusionguard.data.contract_report import ContractReport
from fusionguard.data.contract_suites import Suite, not_null, one_of
from fusionguard.data.table import Table
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.store import FeatureManifest


def check_features(features: Table, manifest: FeatureManifest) -> ContractReport:
    """Read the contract on a feature table and its manifest; call ``raise_if_broken()`` on the report to stop a run."""
    from fusionguard.data.contract_runner import run_suite

    weight = manifest.negative_weight
    return run_suite(
        features,
        feature_suite(manifest.definition, manifest.rows),
        dataset=manifest.dataset,
        stage="features",
        negative_weight=weight,
    )


def feature_suite(definition: FeatureDefinition, rows: int) -> Suite:
    """Return the contract on features whose manifest says ``rows``."""
    contract = definition.contract
    return Suite(
        columns={name: (kind,) for name, kind in definition.column_types.items()},
        cells=(
            *(not_null(name) for name, node in definition.parsed_rows.outputs.items() if not node.nullable),
            *contract.cells,
            one_of(definition.label, (0, 1)),
        ),
        unique=(contract.unique,),
        label=definition.label,
        label_share=contract.label_share,
        rows=(rows, rows),
        order=contract.order,
    )
