"""Rows that monitoring compares with."""

from __future__ import annotations

from typing import Annotated

import pyarrow.parquet as pq
from zenml import step

from fusionguard.data.table import Table
from fusionguard.families.of_bundle import family_of
from fusionguard.families.training_rows import Plan, TrainingRows
from fusionguard.features.store import FeatureManifest
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.reference_rows import FILE, reference_rows
from steps.workspace import work_folder


@step
def keep_reference(
    evaluated: Bundle, delivered: Bundle, features: Table, manifest: FeatureManifest, plan: Plan, seed: int
) -> Annotated[Table, "{pipeline}_reference"]:
    """Draw rows of the whole table with the model's answers, as the delivered one spreads them; no name and no id is there."""
    family = family_of(evaluated)
    rows = TrainingRows(features, manifest, plan)
    file = work_folder() / FILE
    refitted = None if delivered.manifest.refitted_rows is None else family.load(delivered)
    pq.write_table(reference_rows(family.load(evaluated), rows, seed=seed, delivered=refitted), file)
    return Table(file)
