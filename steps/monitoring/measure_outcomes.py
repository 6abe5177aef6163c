"""How well the model does in the window, with labels and without."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from zenml import step

from fusionguard.data.table import Table
from fusionguard.families.of_bundle import family_of
from fusionguard.home import find_home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.drift import DriftReport
from fusionguard.monitoring.estimate import PerformanceEstimate, estimate_performance
from fusionguard.monitoring.outcomes import read_outcomes
from fusionguard.monitoring.performance import PerformanceReport
from fusionguard.monitoring.score_groups import ScoreGroups
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
    bundle: Bundle, window: Table, scores: Table, facts: WindowFacts, drift: DriftReport, config: MonitoringConfig
) -> Annotated[Outcomes, "{pipeline}_outcomes"]:
    """Read the training metrics on rows whose outcome is known, and estimate them for all."""
    model = family_of(bundle).load(bundle)
    champion = Champion.of(find_home(), bundle)
    measured, estimated = read_outcomes(window, model, champion, config), None
    if facts.rows:
        estimated = estimate_performance(
            ScoreGroups.read(scores),
            calibration=measured.calibration,
            evaluated=champion.calibration(),
            drift=drift.findings,
            thresholds=config.thresholds,
            seed=config.seed,
        )
    return Outcomes(measured=measured, estimated=estimated, metric_labels=champion.metric_labels())
