"""A whole pipeline run, as a person starts it, beside what its imports take."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from benchmarks.measure import BenchmarkError, Measurement, fresh_environment, measure, python
from benchmarks.sizes import RunSize


@dataclass(frozen=True)
class Target:
    """What a run of full size may take beyond its imports, on two cores."""

    seconds: float
    peak_mb: float | None = None
    """None where memory is reported and not judged."""

    def met_by(self, taken: Measurement) -> bool:
        """Whether a measurement stays within the target."""
        return taken.seconds <= self.seconds and (self.peak_mb is None or taken.peak_mb <= self.peak_mb)


TARGETS = {"fraud": Target(seconds=70.0, peak_mb=2048.0), "churn": Target(seconds=25.0)}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class StepTime(_Frozen):
    """One step of a run."""

    name: str
    seconds: float
    cached: bool = False


class PipelineRun(_Frozen):
    """One run of a pipeline."""

    rows: int
    took: Measurement
    steps: tuple[StepTime, ...]

    @property
    def outside_steps_seconds(self) -> float:
        """Start, imports, compiling, databases, and the summary."""
        return self.took.seconds - sum(step.seconds for step in self.steps)


class MeasuredRun(_Frozen):
    """A run that finds nothing made yet, the same command again, and the imports of the first."""

    pipeline: str
    cold: PipelineRun
    cached: PipelineRun
    imports: Measurement
    modules: int

    @property
    def beyond_imports(self) -> Measurement:
        """The cold run without what its imports take."""
        cold = self.cold.took
        return Measurement(seconds=cold.seconds - self.imports.seconds, peak_mb=cold.peak_mb - self.imports.peak_mb)


def measure_run(size: RunSize, folder: Path, *, warm_up: RunSize | None) -> MeasuredRun:
    """Measure the run cold, then cached, then the imports of the cold one.

    ``warm_up`` goes first and does not count, so that the cold run is not the only one to read libraries from disk.

    Raises
    ------
    BenchmarkError
        The second run found nothing in the cache, as when the code was changed meanwhile.
    """
    if warm_up is not None:
        run_pipeline(warm_up, folder / "warm-up")
    modules = folder / "modules.json"
    home = folder / "home"
    cold = run_pipeline(size, home, modules=modules)
    cached = run_pipeline(size, home)
    if not any(step.cached for step in cached.steps):
        raise BenchmarkError("The same command again found no step in the cache.", "Leave the code alone while it is measured.")
    imports = measure(python("-m", "benchmarks.imports", "only", modules), environment=fresh_environment(folder / "imports"))
    loaded = len(json.loads(modules.read_text(encoding="utf-8")))
    return MeasuredRun(pipeline=size.pipeline, cold=cold, cached=cached, imports=imports, modules=loaded)


def run_pipeline(size: RunSize, folder: Path, *, modules: Path | None = None) -> PipelineRun:
    """Run ``run.py`` on simulated rows and keep everything under ``folder``; ``modules`` gets the names of what was imported."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = folder / "summary.json"
    script = ["run.py", "--pipeline", size.pipeline, "--stack", "local", "--source", "simulated", "--summary", str(summary)]
    recorder = ["-m", "benchmarks.imports", "record", str(modules)] if modules else []
    took = measure(python(*recorder, *script, *size.assignments()), environment=fresh_environment(folder))
    return PipelineRun(rows=size.rows, took=took, steps=_steps(json.loads(summary.read_text(encoding="utf-8"))))


def _steps(summary: dict[str, Any]) -> tuple[StepTime, ...]:
    return tuple(StepTime.model_validate(step) for step in summary["steps"])
