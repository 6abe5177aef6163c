"""The churn model, fitted anew on all customers."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.data.table import Table
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.refit import refit_churn_bundle
from fusionguard.models.bundle import Bundle
from steps.churn.tune_models import TrainingSettings
from steps.workspace import work_folder


@step
def refit_churn_model(
    evaluated: Bundle, features: Table, settings: TrainingSettings, config: ChurnConfig
) -> Annotated[Bundle, "{pipeline}_refitted"]:
    """Fit the models on the test slice, too; the one that was read stays in the bundle, for comparisons."""
    return refit_churn_bundle(work_folder() / "bundle", evaluated, features, settings.settle(config))
