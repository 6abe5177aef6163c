"""Rows that monitoring compares with."""

from __future__ import annotations

from typing import Annotated

import pyarrow.parquet as pq
from zenml import step

from fusionguard.data.table import Table
from fusionguard.families.fraud.model import load
from fusionguard.features.store import FeatureManifest
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.reference_rows import FILE, reference_rows
from steps.workspace import work_folder


@step
def keep_reference(
    bundle: Bundle, features: Table, manifest: FeatureManifest, seed: int
) -> Annotated[Table, "{pipeline}_reference"]:
    """Draw transactions of the whole table, with the model's answers."""
    file = work_folder() / FILE
    pq.write_table(reference_rows(load(bundle), features, negative_weight=manifest.negative_weight, seed=seed), file)
    return Table(file)
