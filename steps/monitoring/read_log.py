"""The window of the prediction log, and its scores in groups."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

from zenml import step

from fusionguard.data.table import Table
from fusionguard.families.of_bundle import family_of
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.score_groups import group_window
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.window import WindowFacts, find_log, read_window
from steps.workspace import work_folder

_SECONDS_BETWEEN_NOTES = 5.0

_log = logging.getLogger("fusionguard.monitoring")


@step(enable_cache=False)
def read_log(
    bundle: Bundle, config: MonitoringConfig
) -> tuple[
    Annotated[Table, "{pipeline}_window"], Annotated[Table, "{pipeline}_scores"], Annotated[WindowFacts, "{pipeline}_facts"]
]:
    """Copy the rows that the model answered, each once, with outcomes, and group their scores; services may go on writing."""
    until = config.window.until or datetime.now(UTC)
    since = until - timedelta(hours=config.window.hours) if config.window.hours is not None else config.window.since
    family, noted = family_of(bundle), time.monotonic()

    def progress(done: int, parts: int) -> None:
        nonlocal noted
        if time.monotonic() - noted >= _SECONDS_BETWEEN_NOTES:
            noted = time.monotonic()
            _log.info("prediction log: %d of %d parts are read", done, parts)

    window = read_window(
        find_log(config, find_home()),
        family,
        bundle.version,
        work_folder() / "window.parquet",
        since=since,
        until=until,
        negative_after_days=config.labels.negative_after_days,
        progress=progress,
    )
    for line in window.facts.unreadable:
        _log.warning("prediction log: left out, its rows are missing: %s", line)
    scores = group_window(window.table, family.flagged).write(work_folder() / "scores.parquet")
    return window.table, scores, window.facts
