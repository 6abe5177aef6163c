"""The window of the prediction log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from zenml import step

from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.window import WindowFacts, read_window
from steps.workspace import work_folder


@step(enable_cache=False)
def read_log(bundle: Bundle, config: MonitoringConfig) -> tuple[Annotated[Table, "window"], Annotated[WindowFacts, "facts"]]:
    """Copy the rows that the model answered, each once, with their outcomes; services may go on writing."""
    log = Path(config.log).expanduser() if config.log else find_home().predictions
    if not (log / config.model).is_dir():
        raise DataError(
            f"There is no prediction log of {config.model} in {log}.",
            "Let a service score something first: 'make serve', or 'make monitoring' for a demonstration.",
        )
    until = config.window.until or datetime.now(UTC)
    since = until - timedelta(hours=config.window.hours) if config.window.hours is not None else config.window.since
    window = read_window(log, config.model, bundle.version, work_folder() / "window.parquet", since=since, until=until)
    return window.table, window.facts
