"""What the model looks at."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from zenml import step

from fusionguard.config import EvaluationConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.explanation_plots import shap_plots
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.features.fraud import MODEL_FEATURES
from fusionguard.models.bundle import Bundle
from fusionguard.models.fraud.explain import explain, sample_rows
from fusionguard.models.fraud.model import FraudModel
from materializers.figures import Figures


class Importance(BaseModel):
    """Mean absolute contribution to the calibrated log-odds by feature, largest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    features: tuple[tuple[str, float], ...]


@step
def explain_model(
    bundle: Bundle, features: Table, split: SplitPlan, config: EvaluationConfig, seed: int
) -> tuple[Annotated[Importance, "importance"], Annotated[Figures, "explanation_plots"]]:
    """Explain a sample of the test slice with SHAP values."""
    test = features.read(list(MODEL_FEATURES), split.test.start, split.test.stop)
    rows = test.take(sample_rows(test.num_rows, config.shap_rows, seed))
    explanation = explain(FraudModel.load(bundle), rows)
    simulated = bundle.manifest.origin == "simulated"
    plots = shap_plots(explanation.contributions, explanation.values, explanation.names, simulated=simulated)
    importance = Importance(rows=rows.num_rows, features=tuple(explanation.importance()))
    return importance, Figures("What the model looks at", plots)
