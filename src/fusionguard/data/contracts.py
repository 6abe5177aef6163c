"""The contract on raw data: read before anything is learnt from it."""

from __future__ import annotations

from fusionguard.data.class_balance import demand_declaration
from fusionguard.data.contract_report import ContractReport
from fusionguard.data.contract_suites import raw_suite
from fusionguard.data.provenance import Provenance
from fusionguard.data.schema import dataset_schema
from fusionguard.data.table import Table


def check_raw(raw: Table, provenance: Provenance) -> ContractReport:
    """Read the contract of the data set on a raw table; call ``raise_if_broken()`` on the report to stop a run.

    Optional columns are judged where the table has them, and the class balance with legitimate rows weighted by
    ``provenance.negative_weight``; more ones than the layout usually has need a declaration of how rows were sampled, see
    :func:`~fusionguard.data.class_balance.demand_declaration`.
    """
    from fusionguard.data.contract_runner import run_suite

    weight = provenance.negative_weight
    schema = dataset_schema(provenance.dataset)
    suite = demand_declaration(raw_suite(schema.within(raw.columns)), provenance)
    return run_suite(raw, suite, dataset=schema.name, stage="raw data", negative_weight=weight)
