"""What lies in a home beside ZenML's artifacts and can be made again: models, verdict pages, tables, studies, left-overs."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from fusionguard.clean.needed import Needed
from fusionguard.clean.removal import REMOVED, Removal, last_change
from fusionguard.clean.retention import Dated, beyond
from fusionguard.errors import BundleError
from fusionguard.files import is_locked
from fusionguard.home import Home
from fusionguard.keep_config import KeepConfig
from fusionguard.models.bundle import Bundle
from fusionguard.registry.model_names import plain_name
from fusionguard.serving.launch import release_folder
from fusionguard.serving.own_releases import unheld_releases, unused_locks

MONITORING = "monitoring"

_HOUR, _DAY = 3600.0, 86_400.0
_LEFT_OVER_SECONDS = 2 * _DAY
"""A process that writes for longer than this does not exist; what it writes to a temporary file is of a dead one."""

_OUTCOMES = "-outcomes"
"""What a monitoring run adds to its name for the folder of its rows for retraining."""

_DIGEST = re.compile(r"[0-9a-f]{12}|[0-9a-f]{16}")
"""How the versions of models and the keys of tables look, by which they are told from what people put beside them."""

_TEMPORARY = re.compile(r"\..+(\.[a-z0-9_]{8}\.(tmp|old)|\.spark\.[a-z0-9_]{8}|\.[0-9a-f]{8}\.removed)")
"""Names that only programs make, with eight digits drawn by lot: people have hidden files of their own beside their data."""


def is_under_way(home: Home, run: str) -> bool:
    """Tell whether a process is at work on a run: it holds a lock on the run's folder, which dies with it."""
    folder = home.work / run
    return folder.is_dir() and is_locked(folder)


def expired_folders(
    home: Home, keeps: Mapping[str, KeepConfig], needed: Needed, now: float | None = None, *, with_jobs: Collection[str] = ()
) -> list[Removal]:
    """Return what is beyond the retention, and what killed processes have left.

    Parameters
    ----------
    keeps
        By pipeline; the trainings have the names of their families.
    needed
        Models that stay.
    with_jobs
        Names of runs that have jobs on a cluster: they are under way, whether or not their process lives.
    """
    now = time.time() if now is None else now
    busy = bool(with_jobs) or any(is_under_way(home, folder.name) for folder in home.work.glob("*"))
    spare_seconds = _DAY if busy else 0.0  # what a run under way made, or is about to read, is newer than that
    found: list[Removal] = []
    if MONITORING in keeps:
        found += _verdicts(home, keeps[MONITORING], now, spare_seconds=spare_seconds)
    longest = KeepConfig(runs=max(keep.runs for keep in keeps.values()), days=max(keep.days for keep in keeps.values()))
    found += _models(home, keeps, longest, needed, now, spare_seconds=spare_seconds)
    found += _tables(home, keeps, longest, now, spare_seconds=spare_seconds)
    # a job that waits to be started again, for days perhaps, goes on with its study
    found += _studies(home, longest, now, spare_seconds=math.inf if with_jobs else spare_seconds)
    found += [
        Removal(folder, "downloaded bundles", "of a model that has no alias now; it is downloaded again")
        for folder in (home.state / "bundles").glob("*")
        if not needed.holds(folder.name) and now - last_change(folder) > longest.days * _DAY
    ]
    found += [
        Removal(folder, "releases of services of their own", "its service has ended, and the next start writes it again")
        for folder in unheld_releases(release_folder(home).parent)
        if now - last_change(folder) > longest.days * _DAY
    ]
    return found + list(_left_over(home, now, with_jobs))


def _models(
    home: Home, keeps: Mapping[str, KeepConfig], longest: KeepConfig, needed: Needed, now: float, *, spare_seconds: float
) -> Iterator[Removal]:
    """Folders of models, of each data set for itself, as its family's training keeps them."""
    by_model: dict[str, dict[Path, str]] = {}
    for folder in home.models.glob("[!.]*"):
        model, _, version = folder.name.rpartition("-")
        if folder.is_dir() and (model in keeps or _DIGEST.fullmatch(version)):
            by_model.setdefault(model, {})[folder] = version
    for model, folders in by_model.items():
        keep = keeps[model] if model in keeps else keeps.get(_family(model, folders), longest)
        always = {folder for folder, version in folders.items() if needed.holds(version)}
        for folder, why in beyond([Dated(folder, _changed(folder)) for folder in folders], keep, now, always=always):
            if now - _changed(folder) >= spare_seconds:
                yield Removal(folder, "reports of models", why)


def _family(model: str, folders: Collection[Path]) -> str:
    """Return the family of a declared data set's model, as one of its bundles says; the model's name where none can be read."""
    for folder in folders:
        try:
            return Bundle(folder / "bundle").manifest.model
        except BundleError:
            continue
    return model


def _verdicts(home: Home, keep: KeepConfig, now: float, *, spare_seconds: float) -> Iterator[Removal]:
    for model in home.monitoring.glob("*"):
        if model.is_dir():
            runs: dict[str, list[Path]] = {}  # a run's two folders count as one, and stay or go together
            for folder in model.glob("[!.]*"):
                if folder.is_dir():
                    runs.setdefault(folder.name.removesuffix(_OUTCOMES), []).append(folder)
            dated = [Dated(run, max(map(_changed, folders))) for run, folders in runs.items()]
            for run, why in beyond(dated, keep, now):
                spared = any(now - _changed(folder) < spare_seconds for folder in runs[run])
                for folder in () if spared else runs[run]:
                    yield Removal(folder, "pages of verdicts, and rows for retraining", why)


def _tables(
    home: Home, keeps: Mapping[str, KeepConfig], longest: KeepConfig, now: float, *, spare_seconds: float
) -> Iterator[Removal]:
    """Raw tables and features, of each data set for itself; what a run uses is newer than ``spare_seconds``."""
    for store, kind in ((home.processed, "raw data as parquet"), (home.feature_store, "feature tables")):
        for dataset in store.glob("[!.]*"):
            folders = [
                Dated(folder, _changed(folder))
                for folder in dataset.glob("[!.]*")
                if dataset.name in keeps or _DIGEST.fullmatch(folder.name)
            ]
            for folder, why in beyond(folders, keeps.get(plain_name(dataset.name), longest), now, newest=False):
                if now - _changed(folder) >= spare_seconds:
                    yield Removal(folder, kind, why)


def _studies(home: Home, keep: KeepConfig, now: float, *, spare_seconds: float) -> Iterator[Removal]:
    studies = [Dated(file, _changed(file)) for file in home.studies.glob("[!.]*")]
    for file, why in beyond(studies, keep, now, newest=False):
        if now - _changed(file) >= spare_seconds:
            yield Removal(file, "studies of tuning", why)


def _left_over(home: Home, now: float, with_jobs: Collection[str]) -> Iterator[Removal]:
    for folder in home.work.glob("*"):
        if (
            folder.name not in with_jobs
            and not is_under_way(home, folder.name)
            and now - last_change(folder) > _LEFT_OVER_SECONDS
        ):
            yield Removal(folder, "files of processes that were killed", "nobody is at work on it")
    for lock in unused_locks(release_folder(home).parent):
        yield Removal(lock, "files of processes that were killed", "nobody is at work on it")
    for path in _temporaries(home):
        if path.name.endswith(REMOVED) or now - last_change(path) > _LEFT_OVER_SECONDS:
            yield Removal(path, "files of processes that were killed", "never finished")


def _temporaries(home: Home) -> Iterator[Path]:
    """Yield what :mod:`fusionguard.files` and this package write to before it gets its name; never any of the log's."""
    skipped = {home.predictions, home.work, home.mlflow_artifacts, home.state / "bentoml", home.state / "slurm"}
    for top in (home.state, home.root / "data"):
        for here, folders, files in os.walk(top):
            place = Path(here)
            for name in [*folders, *files]:
                if _TEMPORARY.fullmatch(name):
                    yield place / name
            folders[:] = [name for name in folders if not name.startswith(".") and place / name not in skipped]


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # it went meanwhile
        return time.time()
