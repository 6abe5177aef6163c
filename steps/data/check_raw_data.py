"""The raw table against its contract."""

from __future__ import annotations

from typing import Annotated

from zenml import step
from zenml.types import HTMLString

from fusionguard.data.contract_page import contract_page
from fusionguard.data.contract_report import ContractReport
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.contracts import check_raw
from fusionguard.datasets.resolved import ResolvedDataset


@step
def check_raw_data(
    raw: Table, provenance: Provenance, dataset: ResolvedDataset
) -> tuple[Annotated[ContractReport, "{pipeline}_raw_contract"], Annotated[HTMLString, "{pipeline}_raw_contract_page"]]:
    """Check the raw table; a broken contract is a report here, and stops the step that would use the table."""
    report = check_raw(raw, provenance, dataset)
    return report, HTMLString(contract_page(report))
