"""The model in the registry."""

from __future__ import annotations

from typing import Annotated

from zenml import get_step_context, step

from fusionguard.config import FraudConfig
from fusionguard.data.provenance import Provenance
from fusionguard.evaluation.report import EvaluationReport
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.versions import RegisteredVersion
from materializers.figures import Figures


@step(enable_cache=False)
def register_model(
    bundle: Bundle,
    evaluation: EvaluationReport,
    evaluation_plots: Figures,
    explanation_plots: Figures,
    provenance: Provenance,
    config: FraudConfig,
) -> Annotated[RegisteredVersion, "version"]:
    """Register the bundle; one that is registered already keeps its version."""
    from fusionguard.registry.register import register_bundle  # MLflow takes seconds to import

    return register_bundle(
        find_home(),
        bundle,
        metrics=evaluation.flat_metrics(),
        plots={**evaluation_plots.images, **explanation_plots.images},
        provenance=provenance,
        config=config.model_dump(mode="json", exclude={"data": {"source"}}),  # a path; the provenance says what it was
        tags={"zenml.run": get_step_context().pipeline_run.name},
    )
