"""How the whole fraud run grows with its rows."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.pipeline_run import PipelineRun, run_pipeline
from benchmarks.sizes import Sizes


def measure_growth(sizes: Sizes, first: PipelineRun, folder: Path) -> tuple[PipelineRun, ...]:
    """Return ``first``, a cold run, and cold runs of each further size; what they leave is removed one by one."""
    runs = [first]
    for rows in sizes.growth_rows:
        runs.append(run_pipeline(sizes.fraud.with_rows(rows), folder / str(rows)))
        shutil.rmtree(folder / str(rows))
    return tuple(runs)
