"""The final reading, on the test slice."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.plots import evaluation_plots
from fusionguard.families.fraud.reading import evaluate_fraud_model
from fusionguard.families.fraud.report import EvaluationReport
from fusionguard.features.store import FeatureManifest
from fusionguard.models.bundle import Bundle
from materializers.figures import Figures


@step
def evaluate_model(
    bundle: Bundle,
    features: Table,
    manifest: FeatureManifest,
    split: SplitPlan,
    reference_scores: Table,
    config: FraudEvaluationConfig,
    seed: int,
) -> tuple[Annotated[EvaluationReport, "{pipeline}_evaluation"], Annotated[Figures, "{pipeline}_evaluation_plots"]]:
    """Read metrics with intervals for the model and the references, slices and curves."""
    scores = reference_scores.read()
    references = {name: scores[name].to_numpy() for name in scores.column_names}
    weight = manifest.negative_weight
    report = evaluate_fraud_model(bundle, features, split, references, config, negative_weight=weight, seed=seed)
    return report, Figures("Evaluation on the test slice", evaluation_plots(report))
