"""What the model looks at, and the flagged rows of the test slice with their reasons."""

from __future__ import annotations

from typing import Annotated

import pyarrow.parquet as pq
from zenml import step

from fusionguard.data.table import Table
from fusionguard.evaluation.explanation import Importance, sample_rows
from fusionguard.evaluation.explanation_plots import shap_plots
from fusionguard.families.of_bundle import family_of
from fusionguard.families.training_rows import Plan, TrainingRows
from fusionguard.features.store import FeatureManifest
from fusionguard.models.bundle import Bundle
from materializers.figures import Figures
from steps.workspace import work_folder


@step
def explain_model(
    bundle: Bundle, features: Table, manifest: FeatureManifest, plan: Plan, raw: Table, shap_rows: int, seed: int
) -> tuple[
    Annotated[Importance, "{pipeline}_importance"],
    Annotated[Figures, "{pipeline}_explanation_plots"],
    Annotated[Table, "{pipeline}_flagged_rows"],
]:
    """Explain a sample of the test slice with SHAP values, and list its flagged rows."""
    family = family_of(bundle)
    rows = TrainingRows(features, manifest, plan)
    test = rows.read_test()
    sample = test.take(sample_rows(test.num_rows, shap_rows, seed))
    explanation = family.load(bundle).explain(sample)
    importance = Importance(rows=sample.num_rows, features=tuple(explanation.importance()))
    plots = shap_plots(explanation, simulated=bundle.manifest.origin == "simulated")
    file = work_folder() / "flagged_rows.parquet"
    pq.write_table(family.training.flagged_rows(bundle, rows, raw, most=shap_rows), file)
    return importance, Figures("What the model looks at", plots), Table(file)
