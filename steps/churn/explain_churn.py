"""What the model looks at, and whom to contact."""

from __future__ import annotations

from typing import Annotated

import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict
from zenml import step

from fusionguard.data.table import Table
from fusionguard.evaluation.explanation import sample_rows
from fusionguard.evaluation.explanation_plots import shap_plots
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.contacts import contact_list
from fusionguard.families.churn.model import load
from fusionguard.families.churn.rows import CATEGORIES
from fusionguard.features.churn import LABEL, MODEL_FEATURES
from fusionguard.models.bundle import Bundle
from materializers.figures import Figures
from steps.workspace import work_folder


class ChurnImportance(BaseModel):
    """Mean absolute contribution to the calibrated log-odds by feature, largest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    features: tuple[tuple[str, float], ...]


@step
def explain_churn(
    bundle: Bundle, features: Table, holdout: HoldoutPlan, raw: Table, config: ChurnConfig
) -> tuple[
    Annotated[ChurnImportance, "{pipeline}_importance"],
    Annotated[Figures, "{pipeline}_explanation_plots"],
    Annotated[Table, "{pipeline}_contact_list"],
]:
    """Explain a sample of the test slice with SHAP values, and list its customers who would get an offer, with reasons."""
    model = load(bundle)
    test = holdout.read_test(features, [*MODEL_FEATURES], LABEL)
    explanation = model.explain(test.take(sample_rows(test.num_rows, config.evaluation.shap_rows, config.seed)))
    simulated = bundle.manifest.origin == "simulated"
    plots = shap_plots(
        explanation.contributions, explanation.values, explanation.names, simulated=simulated, categories=CATEGORIES
    )
    file = work_folder() / "contact_list.parquet"
    pq.write_table(contact_list(model, features, holdout, raw), file)
    importance = ChurnImportance(rows=len(explanation.values), features=tuple(explanation.importance()))
    return importance, Figures("What the model looks at", plots), Table(file)
