"""How fraud models are read, explained, refitted and described."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from fusionguard.config import TrainingConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.card.inputs import CardInputs
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.report import Report
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.alerts import list_alerts
from fusionguard.families.fraud.card import FraudCardInputs, model_card
from fusionguard.families.fraud.config import FraudConfig
from fusionguard.families.fraud.model import load, training_facts
from fusionguard.families.fraud.plots import evaluation_plots
from fusionguard.families.fraud.reading import evaluate_fraud_model
from fusionguard.families.fraud.refit import refit_fraud_bundle
from fusionguard.families.fraud.report import EvaluationReport
from fusionguard.families.of_kind import of_kind
from fusionguard.families.training import FamilyTraining
from fusionguard.families.training_rows import TrainingRows
from fusionguard.models.bundle import Bundle
from fusionguard.models.packages import XGBOOST


class FraudTraining(FamilyTraining):
    """The training of fraud models."""

    LIBRARIES = ("fusionguard", XGBOOST, "torch", "onnxruntime", "scikit-learn", "zenml", "mlflow")

    def evaluate(
        self, bundle: Bundle, rows: TrainingRows, scores: Table, folds: CrossValidation | None, config: TrainingConfig
    ) -> EvaluationReport:
        """Read the test window; ``scores`` has a column of calibrated probabilities for each reference."""
        config, read = of_kind(FraudConfig, config), scores.read()
        return evaluate_fraud_model(
            bundle,
            rows.features,
            of_kind(SplitPlan, rows.plan),
            {name: read[name].to_numpy() for name in read.column_names},
            config.evaluation,
            negative_weight=rows.manifest.negative_weight,
            seed=config.seed,
            fairness=config.fairness,
        )

    def plots(self, report: Report) -> dict[str, bytes]:
        """Return the curves and slices of a reading."""
        return evaluation_plots(of_kind(EvaluationReport, report))

    def flagged_rows(self, bundle: Bundle, rows: TrainingRows, raw: Table, *, most: int) -> pa.Table:
        """List the alerts, the most probable first."""
        return list_alerts(load(bundle), rows, most=most)

    def refit(self, destination: Path, evaluated: Bundle, rows: TrainingRows, config: TrainingConfig) -> Bundle:
        """Fit the trees on all rows; the autoencoder, the fusion and the policy stay."""
        plan, settings, weight = of_kind(SplitPlan, rows.plan), of_kind(FraudConfig, config), rows.manifest.negative_weight
        return refit_fraud_bundle(destination, evaluated, rows.features, plan, settings, negative_weight=weight)

    def card_inputs(self, bundle: Bundle, facts: Mapping[str, Any]) -> CardInputs:
        """Add the trees, the autoencoder's bottleneck and why the two are fused, or are not."""
        model = load(bundle)
        return FraudCardInputs(**facts, uses_autoencoder=model.fusion.uses_autoencoder, training=training_facts(model))

    def write_card(self, inputs: CardInputs, *, image_folder: str | None = None) -> str:
        """Write the card of a fraud model."""
        return model_card(of_kind(FraudCardInputs, inputs), image_folder=image_folder)
