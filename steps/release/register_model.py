"""The model in the registry."""

from __future__ import annotations

from typing import Annotated, Any

from zenml import step

from fusionguard.data.provenance import Provenance
from fusionguard.evaluation.report import Report
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.models.tuning.settings import TrainingSettings
from fusionguard.registry.versions import RegisteredVersion
from materializers.figures import Figures
from steps.this_run import this_run


@step(enable_cache=False)
def register_model(
    bundle: Bundle,
    evaluation: Report,
    evaluation_plots: Figures,
    explanation_plots: Figures,
    provenance: Provenance,
    settings: TrainingSettings,
    config: dict[str, Any],  # of an object, ZenML keeps what was set and must know the type
) -> Annotated[RegisteredVersion, "{pipeline}_version"]:
    """Register the bundle; one that is registered already keeps its version."""
    from fusionguard.registry.register import register_bundle  # MLflow takes seconds to import

    return register_bundle(
        find_home(),
        bundle,
        metrics=evaluation.flat_metrics(),
        plots={**evaluation_plots.images, **explanation_plots.images},
        provenance=provenance,
        config=_settings(config, bundle),
        run=this_run(),
        trials=settings.tried,
    )


def _settings(config: dict[str, Any], bundle: Bundle) -> dict[str, Any]:
    """Return the run's settings without the source, which is a path, and as the model was trained in the end."""
    settings = config | {"data": {key: value for key, value in config["data"].items() if key != "source"}}
    for part, values in bundle.manifest.config.items():
        settings[part] = settings[part] | values
    return settings
