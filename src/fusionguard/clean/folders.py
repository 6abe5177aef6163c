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
from fusionguard.files import is_locked
from fusionguard.home import Home
from fusionguard.keep_config import KeepConfig
from fusionguard.serving.launch import release_folder
from fusionguard.serving.own_releases import unheld_releases, unused_locks

MONITORING = "monitoring"

_HOUR, _DAY = 3600.0, 86_400.0
_LEFT_OVER_SECONDS = 2 * _DAY
"""A process that writes for longer than this does not exist; what it writes to a temporary file is of a dead one."""

_OUTCOMES = "-outcomes"
"""What a monitoring run adds to its name for the folder of its rows for retraining."""

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
    for name, keep in keeps.items():
        if name == MONITORING:
            found += _verdicts(home, keep, now, spare_seconds=spare_seconds)
        else:
            found += _models(home, name, keep, needed, now, spare_seconds=spare_seconds)
            found += _tables(home, name, keep, now, spare_seconds=spare_seconds)
    longest = KeepConfig(runs=max(keep.runs for keep in keeps.values()), days=max(keep.days for keep in keeps.values()))
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


def _models(home: Home, family: str, keep: KeepConfig, needed: Needed, now: float, *, spare_seconds: float) -> Iterator[Removal]:
    folders = {folder: folder.name.removeprefix(f"{family}-") for folder in home.models.glob(f"{family}-*") if folder.is_dir()}
    always = {folder for folder, version in folders.items() if needed.holds(version)}
    for folder, why in beyond([Dated(folder, _changed(folder)) for folder in folders], keep, now, always=always):
        if now - _changed(folder) >= spare_seconds:
            yield Removal(folder, "reports of models", why)


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


def _tables(home: Home, dataset: str, keep: KeepConfig, now: float, *, spare_seconds: float) -> Iterator[Removal]:
    """Raw tables and features; what a run uses is newer than ``spare_seconds``."""
    for store, kind in ((home.processed, "raw data as parquet"), (home.feature_store, "feature tables")):
        folders = [Dated(folder, _changed(folder)) for folder in (store / dataset).glob("[!.]*")]
        for folder, why in beyond(folders, keep, now, newest=False):
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
