"""The feature table against its contract."""

from __future__ import annotations

from typing import Annotated

from zenml import step
from zenml.types import HTMLString

from fusionguard.data.contract_page import contract_page
from fusionguard.data.contract_report import ContractReport
from fusionguard.data.table import Table
from fusionguard.features.contracts import check_features
from fusionguard.features.store import FeatureManifest


@step
def check_feature_table(
    features: Table, manifest: FeatureManifest
) -> tuple[Annotated[ContractReport, "{pipeline}_feature_contract"], Annotated[HTMLString, "{pipeline}_feature_contract_page"]]:
    """Check the feature table; a broken contract is a report here, and stops the step that would use the table."""
    report = check_features(features, manifest)
    return report, HTMLString(contract_page(report))
