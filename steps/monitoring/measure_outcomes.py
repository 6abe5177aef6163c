"""How well the model does in the window, with labels and without."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from zenml import step

from fusionguard.data.table import Table
from fusionguard.families.of_bundle import family_of
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.drift import DriftReport
from fusionguard.monitoring.estimate import PerformanceEstimate
from fusionguard.monitoring.outcomes import estimate_outcomes, read_outcomes
from fusionguard.monitoring.performance import PerformanceReport
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.window import WindowFacts


class Outcomes(BaseModel):
    """What was read with labels, and what is expected without; null without rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measured: PerformanceReport
    estimated: PerformanceEstimate | None
    metric_labels: dict[str, str]
    """The metrics' names for people."""


@step
def measure_outcomes(
    bundle: Bundle, window: Table, facts: WindowFacts, drift: DriftReport, config: MonitoringConfig
) -> Annotated[Outcomes, "{pipeline}_outcomes"]:
    """Read the training metrics on rows whose outcome is known, and estimate them for all."""
    model = family_of(bundle).load(bundle)
    until = facts.until or datetime.now(UTC)
    champion = Champion.of(find_home(), bundle)
    measured = read_outcomes(window, model, champion, config, until=until)
    estimated = estimate_outcomes(window, model, champion, measured, drift.findings, config) if facts.rows else None
    return Outcomes(measured=measured, estimated=estimated, metric_labels=champion.metric_labels())
