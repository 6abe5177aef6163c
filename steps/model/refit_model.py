"""The model, fitted anew on all rows."""

from __future__ import annotations

from typing import Annotated, Any

from zenml import step

from fusionguard.data.table import Table
from fusionguard.families.of_bundle import family_of
from fusionguard.families.training_rows import Plan, TrainingRows
from fusionguard.features.store import FeatureManifest
from fusionguard.models.bundle import Bundle
from fusionguard.models.tuning.settings import TrainingSettings
from steps.workspace import work_folder


@step
def refit_model(
    evaluated: Bundle,
    features: Table,
    manifest: FeatureManifest,
    plan: Plan,
    settings: TrainingSettings,
    config: dict[str, Any],
) -> Annotated[Bundle, "{pipeline}_refitted"]:
    """Fit on the test slice, too; the model that was read stays in the bundle, for comparisons."""
    family = family_of(evaluated)
    rows = TrainingRows(features, manifest, plan)
    settled = settings.settle(family.config.model_validate(config))
    return family.training.refit(work_folder() / "bundle", evaluated, rows, settled)
