"""The final reading, on the test slice."""

from __future__ import annotations

from typing import Annotated, Any

from zenml import step

from fusionguard.data.table import Table
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.report import Report
from fusionguard.families.of_bundle import family_of
from fusionguard.families.training_rows import Plan, TrainingRows
from fusionguard.features.store import FeatureManifest
from fusionguard.models.bundle import Bundle
from materializers.figures import Figures


@step
def evaluate_model(
    bundle: Bundle,
    features: Table,
    manifest: FeatureManifest,
    plan: Plan,
    scores: Table,
    config: dict[str, Any],
    folds: CrossValidation | None = None,
) -> tuple[Annotated[Report, "{pipeline}_evaluation"], Annotated[Figures, "{pipeline}_evaluation_plots"]]:
    """Read metrics with intervals for the model and the references, and what else its family reads."""
    family = family_of(bundle)
    rows = TrainingRows(features, manifest, plan)
    report = family.training.evaluate(bundle, rows, scores, folds, family.config.model_validate(config))
    return report, Figures("Evaluation on the test slice", family.training.plots(report))
