"""The contract on raw data: read before anything is learnt from it."""

from __future__ import annotations

from fusionguard.data.class_balance import demand_declaration
from fusionguard.data.contract_report import ContractReport
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.prepared_contract import prepared_suite
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.shipped import dataset_names, shipped_dataset


def check_raw(raw: Table, provenance: Provenance, described: ResolvedDataset | None = None) -> ContractReport:
    """Read the contract of the data set on a raw table; call ``raise_if_broken()`` on the report to stop a run.

    Optional columns are judged where the table has them, and the class balance with legitimate rows weighted by
    ``provenance.negative_weight``; more ones than the layout usually has need a declaration of how rows were sampled, see
    :func:`~fusionguard.data.class_balance.demand_declaration`.
    """
    from fusionguard.data.contract_runner import run_suite

    weight = provenance.negative_weight
    if described is not None and provenance.dataset not in dataset_names():
        suite = prepared_suite(described, raw.schema)
        return run_suite(raw, suite, dataset=provenance.dataset, stage="raw data", negative_weight=weight)
    dataset = shipped_dataset(provenance.dataset)
    suite = demand_declaration(dataset.suite(dataset.schema.within(raw.columns)), provenance, dataset.usual_share)
    return run_suite(raw, suite, dataset=dataset.schema.name, stage="raw data", negative_weight=weight)
