"""What ZenML costs: the run without it, measured, to be held against the fraud run."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.measure import fresh_environment, measure, python
from benchmarks.pipeline_run import PipelineRun, StepTime
from benchmarks.sizes import Sizes


def measure_without_zenml(sizes: Sizes, folder: Path) -> PipelineRun:
    """Run and measure ``benchmarks/without_zenml.py`` on the rows and settings of the fraud run."""
    command = python("-m", "benchmarks.without_zenml", folder, *sizes.fraud.assignments())
    took = measure(command, environment=fresh_environment(folder))
    steps = json.loads((folder / "steps.json").read_text(encoding="utf-8"))
    return PipelineRun(rows=sizes.fraud.rows, took=took, steps=tuple(StepTime.model_validate(step) for step in steps))
