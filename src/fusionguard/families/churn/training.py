"""How churn models are read, explained, refitted and described."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from fusionguard.config import TrainingConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.card.inputs import CardInputs, PageBeside
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.evaluation.report import Report
from fusionguard.families.churn.card import ChurnCardInputs, churn_model_card
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.contacts import contact_list
from fusionguard.families.churn.insights import business_insights
from fusionguard.families.churn.model import load, training_facts
from fusionguard.families.churn.out_of_fold import read_out_of_fold
from fusionguard.families.churn.plots import churn_plots
from fusionguard.families.churn.reading import evaluate_churn_model, read_test
from fusionguard.families.churn.refit import refit_churn_bundle
from fusionguard.families.churn.report import ChurnReport
from fusionguard.families.of_kind import of_kind
from fusionguard.families.training import FamilyTraining
from fusionguard.families.training_rows import TrainingRows
from fusionguard.models.bundle import Bundle


class ChurnTraining(FamilyTraining):
    """The training of churn models."""

    LIBRARIES = ("fusionguard", "lightgbm", "catboost", "fairlearn", "optuna", "scikit-learn", "zenml", "mlflow")
    FLAGGED_FILE = "contact_list.csv"

    def evaluate(
        self, bundle: Bundle, rows: TrainingRows, scores: Table, folds: CrossValidation | None, config: TrainingConfig
    ) -> ChurnReport:
        """Read the test slice; ``scores`` are those out of fold, and ``folds`` what the models were chosen by."""
        plan = of_kind(HoldoutPlan, rows.plan)
        return evaluate_churn_model(
            bundle,
            rows.features,
            plan,
            read_out_of_fold(scores.read(), plan),
            of_kind(CrossValidation, folds),
            of_kind(ChurnConfig, config),
        )

    def plots(self, report: Report) -> dict[str, bytes]:
        """Return the plots of a reading: lift, profit, bands, fairness and others."""
        return churn_plots(of_kind(ChurnReport, report))

    def flagged_rows(self, bundle: Bundle, rows: TrainingRows, raw: Table, *, most: int) -> pa.Table:
        """List whom to contact, by falling expected profit: all of them, for a customer is explained in no time."""
        return contact_list(load(bundle), rows.features, of_kind(HoldoutPlan, rows.plan), raw)

    def refit(self, destination: Path, evaluated: Bundle, rows: TrainingRows, config: TrainingConfig) -> Bundle:
        """Fit the models on all customers; calibration and offers' bars stay."""
        return refit_churn_bundle(destination, evaluated, rows.features, of_kind(ChurnConfig, config))

    def card_inputs(self, bundle: Bundle, facts: Mapping[str, Any]) -> CardInputs:
        """Add which models are used, their trees, and the line that calibrates them."""
        return ChurnCardInputs(**facts, training=training_facts(load(bundle)))

    def write_card(self, inputs: CardInputs, *, image_folder: str | None = None) -> str:
        """Write the card of a churn model."""
        return churn_model_card(of_kind(ChurnCardInputs, inputs), image_folder=image_folder)

    def pages_beside(self, inputs: CardInputs, bundle: Bundle, rows: TrainingRows) -> dict[str, PageBeside]:
        """Write the business insights."""
        customers = read_test(load(bundle, evaluated=True), rows.features, of_kind(HoldoutPlan, rows.plan))
        report = of_kind(ChurnReport, inputs.evaluation)
        insights = business_insights(rows.features, rows.definition, report, inputs.importance, customers)
        return {"business_insights": insights}
