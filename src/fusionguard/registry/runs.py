"""What the registry tells about the run that made a version, and when that run is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from fusionguard.home import Home
from fusionguard.registry.model_names import model_names, registered_name
from fusionguard.registry.stored import stored_run, stored_running
from fusionguard.registry.tracking import open_store, registry_errors, sqlite_file
from fusionguard.registry.versions import RUN_TAG, RegisteredVersion

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class RunFacts:
    """When a run began, the metrics it logged, and ZenML's name of it; empty where ZenML did not run it."""

    began: datetime
    metrics: dict[str, float]
    zenml_run: str = ""


def describe_run(home: Home, version: RegisteredVersion) -> RunFacts:
    """Return the facts of the run behind a version; raises :class:`RegistryError`."""
    stored = stored_run(home, version.run_id)
    if stored is not None:
        return _facts(stored.start_time, stored.metrics, stored.tags)
    client = open_store(home)
    with registry_errors(home.mlflow_uri):
        run = client.get_run(version.run_id)
    return _facts(run.info.start_time, run.data.metrics, run.data.tags)


def end_runs(home: Home, pipeline_run: str, status: Literal["FINISHED", "FAILED", "KILLED"]) -> None:
    """End, now, what still runs in MLflow of a pipeline's run that is over, by ZenML's name; raises :class:`RegistryError`."""
    database = sqlite_file(home.mlflow_uri)
    if database is not None and not database.exists():
        return
    running = stored_running(home, RUN_TAG, pipeline_run)
    if running == []:
        return
    client = open_store(home)
    with registry_errors(home.mlflow_uri):
        for run in _running(home, client, pipeline_run) if running is None else running:
            client.set_terminated(run, status)


def _running(home: Home, client: MlflowClient, pipeline_run: str) -> list[str]:
    experiments = [client.get_experiment_by_name(registered_name(model)) for model in model_names(home)]
    places = [experiment.experiment_id for experiment in experiments if experiment is not None]
    wanted = f"tags.`{RUN_TAG}` = '{pipeline_run}' AND attributes.status = 'RUNNING'"
    return [run.info.run_id for run in client.search_runs(places, wanted)] if places else []


def _facts(start_time: int, metrics: Mapping[str, float], tags: Mapping[str, str]) -> RunFacts:
    return RunFacts(datetime.fromtimestamp(start_time / 1000, UTC), dict(sorted(metrics.items())), tags.get(RUN_TAG, ""))
