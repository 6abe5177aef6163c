"""The final reading, on the test slice."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.config import EvaluationConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.plots import evaluation_plots
from fusionguard.evaluation.report import EvaluationReport, evaluate
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.features.store import FeatureManifest
from fusionguard.models.bundle import Bundle
from fusionguard.models.fraud.model import load
from fusionguard.models.fraud.reading import read_test
from materializers.figures import Figures


@step
def evaluate_model(
    bundle: Bundle,
    features: Table,
    manifest: FeatureManifest,
    split: SplitPlan,
    reference_scores: Table,
    config: EvaluationConfig,
    seed: int,
) -> tuple[Annotated[EvaluationReport, "{pipeline}_evaluation"], Annotated[Figures, "{pipeline}_evaluation_plots"]]:
    """Read metrics with intervals for the model and the references, slices and curves."""
    model = load(bundle)
    rows = read_test(model, features, split, manifest.negative_weight)
    scores = reference_scores.read()
    references = {name: rows.scored_by(scores[name].to_numpy()) for name in scores.column_names}
    report = evaluate(rows, references, model.policy, config, origin=manifest.origin, seed=seed)
    return report, Figures("Evaluation on the test slice", evaluation_plots(report))
