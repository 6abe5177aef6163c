"""Who is in the data, and how often the label is set for them."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.data.table import Table
from fusionguard.features.bias import BiasReport, bias_report
from fusionguard.features.store import FeatureManifest


@step
def report_bias(features: Table, manifest: FeatureManifest) -> Annotated[BiasReport, "{pipeline}_bias_report"]:
    """Report class balance, missingness, representation and label rate by segment."""
    return bias_report(features, manifest)
