"""Rows that monitoring compares with."""

from __future__ import annotations

from typing import Annotated

import pyarrow.parquet as pq
from zenml import step

from fusionguard.data.table import Table
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.model import load
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.reference_rows import FILE, reference_rows
from steps.workspace import work_folder


@step
def keep_churn_reference(
    bundle: Bundle, features: Table, holdout: HoldoutPlan, seed: int
) -> Annotated[Table, "{pipeline}_reference"]:
    """Take customers of the whole table, and of the test slice with the model's answers; no name and no id is among them."""
    file = work_folder() / FILE
    pq.write_table(reference_rows(load(bundle), features, holdout=holdout, seed=seed), file)
    return Table(file)
