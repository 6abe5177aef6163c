"""What simpler models make of the same rows."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
from zenml import step

from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.references import score_references as score
from fusionguard.features.store import FeatureManifest
from steps.workspace import work_folder


@step
def score_references(
    features: Table, manifest: FeatureManifest, split: SplitPlan, seed: int
) -> Annotated[Table, "{pipeline}_reference_scores"]:
    """Fit each reference model and score the test slice: one column of calibrated probabilities a model."""
    scores = score(features, split, negative_weight=manifest.negative_weight, seed=seed, definition=manifest.definition)
    file = work_folder() / "scores.parquet"
    pq.write_table(pa.table(scores), file)
    return Table(file)
