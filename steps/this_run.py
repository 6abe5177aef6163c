"""The run that a step belongs to, as the registry is told of it."""

from __future__ import annotations

from datetime import UTC, datetime

from zenml import get_step_context
from zenml.models import PipelineRunResponse
from zenml.utils.dashboard_utils import get_run_url

from fusionguard.registry.pipeline_run import PipelineRun, RunSource, find_source

SOURCE = "source"
"""Where a pipeline's ``extra`` holds who started it and of which code: a step may run as a job that knows neither."""

DASHBOARD = "http://127.0.0.1:8237"
"""Where `make dashboard` shows the embedded store, unless another program has that port."""


def this_run() -> PipelineRun:
    """Return the run of the step that calls this; one that `run.py` did not start has this process for its source."""
    run = get_step_context().pipeline_run
    given = run.config.extra.get(SOURCE)
    address = get_run_url(run)
    return PipelineRun(
        name=run.name,
        began=_aware(run.start_time or run.created),
        source=RunSource.model_validate(given) if given else find_source(),
        address=address or _page_of_dashboard(run),
        opened_by="" if address else f"make dashboard RUN={run.name}",
        ends_later=bool(given),
    )


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _page_of_dashboard(run: PipelineRunResponse) -> str:
    return f"{DASHBOARD}/projects/{run.project.name}/runs/{run.id}"
