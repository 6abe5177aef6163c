"""Which model's answers are judged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from zenml import step

from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.settings import MonitoringConfig


@step(enable_cache=False)
def find_model(config: MonitoringConfig) -> Annotated[Bundle, "{pipeline}_bundle"]:
    """Look the version up in the registry, now; the whole run then judges this one, whoever is promoted meanwhile."""
    from fusionguard.monitoring.alerts import WebhookChannel
    from fusionguard.monitoring.champion import find_champion
    from fusionguard.monitoring.recomputed import check_recomputable

    WebhookChannel.from_environment()  # a wrong address ends the run here, not when all is computed and kept
    champion = find_champion(find_home(), config.model, config.version)
    config.check_columns(champion.family.features)
    if config.history.file is not None:
        check_recomputable(champion.family, Path(config.history.file).expanduser())
    return champion.bundle
