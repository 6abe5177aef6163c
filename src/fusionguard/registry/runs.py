"""What the registry tells about the run that made a version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fusionguard.home import Home
from fusionguard.registry.stored import stored_run
from fusionguard.registry.tracking import open_store, registry_errors
from fusionguard.registry.versions import RUN_TAG, RegisteredVersion


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


def _facts(start_time: int, metrics: Mapping[str, float], tags: Mapping[str, str]) -> RunFacts:
    return RunFacts(datetime.fromtimestamp(start_time / 1000, UTC), dict(sorted(metrics.items())), tags.get(RUN_TAG, ""))
