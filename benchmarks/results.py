"""Everything one call of ``python -m benchmarks`` has measured."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from benchmarks.churn_quality import ChurnQuality
from benchmarks.engines import EngineRun
from benchmarks.machine import Machine
from benchmarks.measure import Measurement
from benchmarks.pipeline_run import MeasuredRun, PipelineRun


class Results(BaseModel):
    """The measured numbers; a part that was not asked for is None."""

    model_config = ConfigDict(frozen=True)

    day: date
    machine: Machine
    full_size: bool
    """False for a quick run, whose numbers only show that the measuring works."""
    fraud_run: MeasuredRun | None = None
    plain_script: Measurement | None = None
    without_zenml: PipelineRun | None = None
    engines: tuple[EngineRun, ...] | None = None
    growth: tuple[PipelineRun, ...] | None = None
    churn_run: MeasuredRun | None = None
    churn_quality: ChurnQuality | None = None
    churn_engines: tuple[EngineRun, ...] | None = None
    seconds: float = 0.0
    """How long all the measuring took."""
