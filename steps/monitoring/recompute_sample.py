"""Features of what happened before, recomputed from a history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from zenml import step

from fusionguard.data.table import Table
from fusionguard.families.of_bundle import family_of
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.recomputed import RecomputedFeatures, recompute_features
from fusionguard.monitoring.settings import MonitoringConfig
from steps.workspace import work_folder


@step(enable_cache=False)
def recompute_sample(
    bundle: Bundle, window: Table, config: MonitoringConfig
) -> Annotated[RecomputedFeatures, "{pipeline}_recomputed"]:
    """Compare logged features of a sample with what the history makes of them; both files may have grown since."""
    return recompute_features(
        window,
        family_of(bundle),
        Path(str(config.history.file)).expanduser(),
        rows=config.history.rows,
        thresholds=config.thresholds,
        scratch=work_folder(),
    )
