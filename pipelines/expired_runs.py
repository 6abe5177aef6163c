"""Runs of this home that are beyond their retention: what of ZenML's records and artifacts goes, and what others still use."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fusionguard.clean.folders import is_under_way
from fusionguard.clean.removal import Removal, last_change, remove
from fusionguard.clean.retention import Dated, beyond
from fusionguard.home import Home
from fusionguard.keep_config import KeepConfig
from stacks.provision import own_stacks

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import ArtifactVersionResponse, PipelineRunResponse, StackResponse

SCRATCH = (("read_log", "monitoring_window"), ("read_log", "window"))
"""Outputs that go when their run is over, by step and name (version 0.2 had another): the prediction log gives them again."""

_DAY = 86_400.0
_UNFINISHED_SECONDS = 2 * _DAY
"""A run whose process died may have jobs at work, or be resumed; so long it stays."""
_IN_USE_SECONDS = 600.0


@dataclass
class Expired:
    """What is to go: runs of ZenML, versions of artifacts, and files."""

    at: float = field(default_factory=time.time)
    """When that was found; an artifact that was marked as in use since then stays."""
    runs: list[PipelineRunResponse] = field(default_factory=list)
    versions: dict[UUID, Path] = field(default_factory=dict)
    removals: list[Removal] = field(default_factory=list)

    def add(self, path: Path, kind: str, why: str) -> None:
        """Note files to remove, where there are any."""
        if path.exists():
            self.removals.append(Removal(path, kind, why))


def find_expired(
    client: Client, home: Home, keeps: Mapping[str, KeepConfig], needed: Iterable[str], *, with_jobs: Collection[str] = ()
) -> Expired:
    """Return what is beyond the retention of each pipeline.

    Only runs on this home's own stacks count, and of those on a server that others use, too, only one's own whose files are here.

    Parameters
    ----------
    keeps
        By pipeline; another pipeline has the default.
    needed
        Names of runs that stay.
    with_jobs
        Names of runs that have jobs on a cluster: they are under way, whether or not their process lives.
    """
    now = time.time()
    stacks = own_stacks(client, home)
    if not stacks:
        return Expired()
    runs = _runs(client, [stack.id for stack in stacks])
    spared = [run for run in runs if _is_spared(home, run, now, with_jobs)]
    found = Expired()
    beyond_bounds: dict[UUID, str] = {}
    for pipeline in {_pipeline(run) for run in runs}:
        beyond_bounds |= _beyond(runs, spared, pipeline, keeps.get(pipeline, KeepConfig()), set(needed), now)
    kept = [run for run in runs if run.id not in beyond_bounds]
    used = {version.id for run in kept for version in _outputs(client, run, status="cached")} if beyond_bounds else set()
    busy = any(run in spared for run in kept)
    root = home.state / "artifacts"
    for run in (run for run in runs if run.id in beyond_bounds):
        young = now - _began(run) <= keeps.get(_pipeline(run), KeepConfig()).days * _DAY
        since = now - _IN_USE_SECONDS if busy else now
        _expire(client, run, beyond_bounds[run.id], used, root, found, since=since, young=young)
    _add_unused(client, stacks, root, found, now)
    _add_scratch(client, home, root, found, now, with_jobs)
    return found


def remove_expired(client: Client, expired: Expired) -> None:
    """Remove files first: where that is killed, the runs are still known, and the next clean-up goes on with them.

    Raises
    ------
    StorageError
        The file system is read-only, or forbids it.
    """
    artifacts, taken = set(expired.versions.values()), set()
    for removal in expired.removals:
        if removal.path in artifacts and _changed_after(removal.path, expired.at):
            taken.add(removal.path)  # a run that began meanwhile takes it from the cache (pipelines.cached_files)
        else:
            remove(removal)
    for run in expired.runs:
        snapshot = run.snapshot
        _forgetting(client.zen_store.delete_run, run.id)
        if snapshot is not None and not client.list_pipeline_runs(snapshot_id=snapshot.id, size=1).items:
            _forgetting(client.zen_store.delete_snapshot, snapshot.id)
    for version, path in expired.versions.items():
        if path not in taken and client.list_artifact_versions(id=version, only_unused=True, size=1).items:
            _forgetting(client.zen_store.delete_artifact_version, version)


def _changed_after(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime > moment
    except FileNotFoundError:  # another clean-up was quicker
        return False


def _forgetting(delete: Any, identity: UUID) -> None:
    try:
        delete(identity)
    except KeyError:  # another clean-up was quicker
        return


def _runs(client: Client, stacks: list[UUID]) -> list[PipelineRunResponse]:
    from zenml.utils.pagination_utils import depaginate

    own: dict[str, Any] = {"user": client.active_user.id} if _is_shared(client) else {}
    found: list[PipelineRunResponse] = []
    for stack in stacks:
        found += depaginate(client.list_pipeline_runs, stack_id=stack, size=200, hydrate=False, **own)
    return found


def _is_shared(client: Client) -> bool:
    from zenml.enums import StoreType

    return bool(client.zen_store.type == StoreType.REST)


def _pipeline(run: PipelineRunResponse) -> str:
    """Return the pipeline's name, with which every run's name begins; to ask ZenML costs a query a run."""
    return str(run.name).partition("-")[0]


def _seconds(moment: datetime) -> float:
    """Return seconds since 1970 of what ZenML says, which is UTC without saying so."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _began(run: PipelineRunResponse) -> float:
    return _seconds(run.created)


def _is_spared(home: Home, run: PipelineRunResponse, now: float, with_jobs: Collection[str]) -> bool:
    """Tell whether a run is under way, here, on a cluster or perhaps elsewhere."""
    return (
        run.name in with_jobs
        or is_under_way(home, run.name)
        or (not run.status.is_finished and now - _began(run) < _UNFINISHED_SECONDS)
    )


def _beyond(
    runs: list[PipelineRunResponse],
    spared: list[PipelineRunResponse],
    pipeline: str,
    keep: KeepConfig,
    needed: set[str],
    now: float,
) -> dict[UUID, str]:
    own = [run for run in runs if _pipeline(run) == pipeline]
    good = [run for run in own if str(run.status) == "completed"]
    always = {run.id for run in own if run in spared or run.name in needed}
    always |= {max(good, key=_began).id} if good else set()
    return dict(beyond([Dated(run.id, _began(run)) for run in own], keep, now, always=always, newest=False))


def _outputs(client: Client, run: PipelineRunResponse, **how: Any) -> Iterator[ArtifactVersionResponse]:
    for step in client.list_run_steps(pipeline_run_id=run.id, size=200, hydrate=True, **how).items:
        for versions in step.outputs.values():
            yield from versions


def _expire(
    client: Client,
    run: PipelineRunResponse,
    why: str,
    used: set[UUID],
    root: Path,
    found: Expired,
    *,
    since: float,
    young: bool,
) -> None:
    """Note a run, its steps' logs, and the outputs that it made itself and no run that stays has taken from the cache."""
    steps = client.list_run_steps(pipeline_run_id=run.id, size=200, hydrate=True).items
    made = [version for step in steps if str(step.status) != "cached" for each in step.outputs.values() for version in each]
    own = {version.id: Path(version.uri) for version in made if _is_below(version.uri, root)}
    if _is_shared(client) and not any(path.exists() for path in own.values()):
        return  # of another computer that has its home in the same place
    if young and not used.isdisjoint(own):
        return  # ZenML's cache knows results by the run that made them: without it, what has not changed would be done again
    found.runs.append(client.get_pipeline_run(run.id))
    for logged in (found.runs[-1], *steps):
        for log in logged.log_collection or ():
            if log.uri and _is_below(log.uri, root):
                found.add(Path(log.uri), "logs of steps", why)
    for identity, path in own.items():
        # What was marked just now (pipelines.cached_files) a run that begins may be taking from the cache.
        if identity not in used and (not path.exists() or path.stat().st_mtime <= since):
            found.versions[identity] = path
            found.add(path, "artifacts of runs", why)


def _add_unused(client: Client, stacks: list[StackResponse], root: Path, found: Expired, now: float) -> None:
    """Note what a killed clean-up has left: versions that no run uses, and that are not about to be used by one."""
    for store in {
        part.id for stack in stacks for kind, parts in stack.components.items() if kind == "artifact_store" for part in parts
    }:
        for version in client.list_artifact_versions(artifact_store_id=store, only_unused=True, size=500).items:
            old = now - _seconds(version.created) > _UNFINISHED_SECONDS
            elsewhere = _is_shared(client) and not Path(version.uri).exists()
            if old and not elsewhere and version.id not in found.versions and _is_below(version.uri, root):
                found.versions[version.id] = Path(version.uri)
                found.add(Path(version.uri), "artifacts of runs", "no run uses it")


def _add_scratch(client: Client, home: Home, root: Path, found: Expired, now: float, with_jobs: Collection[str]) -> None:
    """Note outputs that were only of use while their run was under way."""
    for step, output in SCRATCH:
        for folder in (root / step / output).glob("[!.]*"):
            run = _run_of(client, folder.name)
            spared = now - last_change(folder) < _UNFINISHED_SECONDS if run is None else _is_spared(home, run, now, with_jobs)
            if not spared:
                found.add(folder, "windows of the prediction log", "the log gives it again")


def _run_of(client: Client, step: str) -> PipelineRunResponse | None:
    """Return the run that a step belongs to; None where ZenML knows neither."""
    try:
        return client.get_pipeline_run(client.get_run_step(UUID(step)).pipeline_run_id)
    except (KeyError, ValueError):
        return None


def _is_below(uri: str, root: Path) -> bool:
    return "://" not in uri and Path(uri).is_relative_to(root)
