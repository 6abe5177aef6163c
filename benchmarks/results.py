"""Everything one call of ``python -m benchmarks`` has measured."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from benchmarks.fraud_run import FraudRun, PipelineRun
from benchmarks.machine import Machine
from benchmarks.measure import Measurement


class EngineRun(BaseModel):
    """One engine's way from a raw table to features."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    engine: str
    rows: int
    seconds: float
    peak_mb: float


class Results(BaseModel):
    """The measured numbers; a part that was not asked for is None."""

    model_config = ConfigDict(frozen=True)

    day: date
    machine: Machine
    full_size: bool
    """False for a quick run, whose numbers only show that the measuring works."""
    fraud_run: FraudRun | None = None
    plain_script: Measurement | None = None
    without_zenml: PipelineRun | None = None
    engines: tuple[EngineRun, ...] | None = None
    growth: tuple[PipelineRun, ...] | None = None
    seconds: float = 0.0
    """How long all the measuring took."""

    def engine_pairs(self) -> list[tuple[EngineRun, EngineRun]]:
        """Return (DuckDB, Spark) for each number of rows, fewest first."""
        by_key = {(run.engine, run.rows): run for run in self.engines or ()}
        return [(by_key["duckdb", rows], by_key["spark", rows]) for rows in sorted({rows for _, rows in by_key})]
