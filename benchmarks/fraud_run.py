"""The whole fraud run, as a person starts it, beside what its imports take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from benchmarks.measure import BenchmarkError, Measurement, fresh_environment, measure, python
from benchmarks.sizes import QUICK, Sizes

TARGET_SECONDS = 70.0
"""What a run of full size may take beyond its imports, on two cores."""
TARGET_MB = 2048.0


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class StepTime(_Frozen):
    """One step of a run."""

    name: str
    seconds: float
    cached: bool = False


class PipelineRun(_Frozen):
    """One run of the fraud pipeline."""

    rows: int
    took: Measurement
    steps: tuple[StepTime, ...]

    @property
    def outside_steps_seconds(self) -> float:
        """Start, imports, compiling, databases, and the summary."""
        return self.took.seconds - sum(step.seconds for step in self.steps)


class FraudRun(_Frozen):
    """A run that finds nothing made yet, the same command again, and the imports of the first."""

    cold: PipelineRun
    cached: PipelineRun
    imports: Measurement
    modules: int

    @property
    def beyond_imports(self) -> Measurement:
        """The cold run without what its imports take."""
        cold = self.cold.took
        return Measurement(seconds=cold.seconds - self.imports.seconds, peak_mb=cold.peak_mb - self.imports.peak_mb)


def measure_fraud_run(sizes: Sizes, folder: Path) -> FraudRun:
    """Measure the run cold, then cached, then the imports of the cold one.

    Raises
    ------
    BenchmarkError
        The second run found nothing in the cache, as when the code was changed meanwhile.
    """
    if sizes.warm_up:
        run_pipeline(QUICK, QUICK.rows, folder / "warm-up")
    modules = folder / "modules.json"
    home = folder / "home"
    cold = run_pipeline(sizes, sizes.rows, home, modules=modules)
    cached = run_pipeline(sizes, sizes.rows, home)
    if not any(step.cached for step in cached.steps):
        raise BenchmarkError("The same command again found no step in the cache.", "Leave the code alone while it is measured.")
    imports = measure(python("-m", "benchmarks.imports", "only", modules), environment=fresh_environment(folder / "imports"))
    return FraudRun(cold=cold, cached=cached, imports=imports, modules=len(json.loads(modules.read_text(encoding="utf-8"))))


def run_pipeline(sizes: Sizes, rows: int, folder: Path, *, modules: Path | None = None) -> PipelineRun:
    """Run ``run.py`` on simulated rows and keep everything under ``folder``; ``modules`` gets the names of what was imported."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = folder / "summary.json"
    script = ["run.py", "--pipeline", "fraud", "--stack", "local", "--source", "simulated", "--summary", str(summary)]
    recorder = ["-m", "benchmarks.imports", "record", str(modules)] if modules else []
    took = measure(python(*recorder, *script, *sizes.assignments(rows)), environment=fresh_environment(folder))
    return PipelineRun(rows=rows, took=took, steps=_steps(json.loads(summary.read_text(encoding="utf-8"))))


def _steps(summary: dict[str, Any]) -> tuple[StepTime, ...]:
    return tuple(StepTime.model_validate(step) for step in summary["steps"])
