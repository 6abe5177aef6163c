"""Where a step may put files that outlive it only as artifacts."""

from __future__ import annotations

from pathlib import Path

from zenml import get_step_context

from fusionguard.home import find_home


def work_folder() -> Path:
    """Return a folder of this step's own; the runner removes it when the run ends."""
    context = get_step_context()
    folder = find_home().work / context.pipeline_run.name / context.step_run.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
