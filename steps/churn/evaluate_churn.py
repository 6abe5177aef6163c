"""The final reading, on the test slice."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from fusionguard.data.table import Table
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.cross_validation import CrossValidation
from fusionguard.families.churn.out_of_fold import read_out_of_fold
from fusionguard.families.churn.plots import churn_plots
from fusionguard.families.churn.reading import evaluate_churn_model
from fusionguard.families.churn.report import ChurnReport
from fusionguard.models.bundle import Bundle
from materializers.figures import Figures


@step
def evaluate_churn(
    bundle: Bundle,
    features: Table,
    holdout: HoldoutPlan,
    out_of_fold: Table,
    cross_validation: CrossValidation,
    config: ChurnConfig,
) -> tuple[Annotated[ChurnReport, "{pipeline}_evaluation"], Annotated[Figures, "{pipeline}_evaluation_plots"]]:
    """Read metrics with intervals for the model and the references, profit, bands, lift, fairness and segments."""
    scored = read_out_of_fold(out_of_fold.read(), holdout)
    report = evaluate_churn_model(bundle, features, holdout, scored, cross_validation, config)
    return report, Figures("Evaluation on the test slice", churn_plots(report))
