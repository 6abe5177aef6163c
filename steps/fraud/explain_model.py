"""What the model looks at."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict
from zenml import step

from fusionguard.data.table import Table
from fusionguard.evaluation.explanation import sample_rows
from fusionguard.evaluation.explanation_plots import shap_plots
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.model import FraudModel, load
from fusionguard.features.fraud import MODEL_FEATURES
from fusionguard.models.bundle import Bundle
from materializers.figures import Figures


class Alert(BaseModel):
    """One alert of the test window and what raised its risk most; no value of the transaction itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    row: int
    """Its row in the feature table, from 0."""
    probability: float
    reasons: tuple[str, ...]


class Importance(BaseModel):
    """Mean absolute contribution to the calibrated log-odds by feature, largest first, and the alerts with their reasons."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    features: tuple[tuple[str, float], ...]
    alerts: tuple[Alert, ...]
    """At most as many as rows were sampled, the most probable first."""


@step
def explain_model(
    bundle: Bundle, features: Table, split: SplitPlan, config: FraudEvaluationConfig, seed: int
) -> tuple[Annotated[Importance, "{pipeline}_importance"], Annotated[Figures, "{pipeline}_explanation_plots"]]:
    """Explain a sample of the test slice with SHAP values."""
    test = features.read(list(MODEL_FEATURES), split.test.start, split.test.stop)
    rows = test.take(sample_rows(test.num_rows, config.shap_rows, seed))
    model = load(bundle)
    explanation = model.explain(rows)
    simulated = bundle.manifest.origin == "simulated"
    plots = shap_plots(explanation.contributions, explanation.values, explanation.names, simulated=simulated)
    importance = Importance(
        rows=rows.num_rows, features=tuple(explanation.importance()), alerts=_alerts(model, test, split, config.shap_rows)
    )
    return importance, Figures("What the model looks at", plots)


def _alerts(model: FraudModel, test: pa.Table, split: SplitPlan, most: int) -> tuple[Alert, ...]:
    probability = model.score(test).probability
    flagged = np.flatnonzero(model.policy.decide(probability, test["Amount"].to_numpy()))
    flagged = flagged[np.argsort(-probability[flagged], kind="stable")][:most]
    if not flagged.size:
        return ()
    reasons = model.explain(test.take(flagged)).reasons()
    return tuple(
        Alert(row=split.test.start + int(row), probability=float(probability[row]), reasons=tuple(names))
        for row, names in zip(flagged, reasons, strict=True)
    )
