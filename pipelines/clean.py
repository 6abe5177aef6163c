"""Free what a home no longer needs: at the end of each run, and for ``fusionguard clean`` (``python -m pipelines.clean``)."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from fusionguard.clean.folders import expired_folders
from fusionguard.clean.named import NAMES, named_removals
from fusionguard.clean.needed import find_needed
from fusionguard.clean.removal import Removal, freed_bytes, remove
from fusionguard.config import load_config
from fusionguard.errors import FusionGuardError
from fusionguard.files import locked
from fusionguard.home import Home, find_home
from fusionguard.keep_config import KeepConfig
from pipelines.catalog import CATALOG, PipelineEntry
from pipelines.expired_runs import find_expired, remove_expired
from pipelines.failures import expected_failure
from pipelines.jobs_of_home import find_jobs
from stacks.session import open_client

_log = logging.getLogger("fusionguard.run")


def clean(home: Home, keeps: Mapping[str, KeepConfig], *, dry_run: bool = False) -> list[Removal]:
    """Remove what is beyond the retention, or only find it; return what that is.

    A run that is under way, or has a job in the queue or at work, is left alone, and so is a clean-up: the second one waits.

    Parameters
    ----------
    keeps
        By pipeline.

    Raises
    ------
    RegistryError, BundleError
        Nobody can tell which models are needed; nothing was removed.
    StorageError
        The disk refuses; what was removed so far is gone, and the same call goes on with the rest.
    """
    if not home.state.is_dir():
        return []
    with locked(_lock_of(home)):
        needed = find_needed(home)
        client = open_client()
        jobs = find_jobs(client, home)
        expired = find_expired(client, home, keeps, needed.runs, with_jobs=jobs.runs)
        folders = [*expired_folders(home, keeps, needed, with_jobs=jobs.runs), *jobs.removals]
        found = [*expired.removals, *folders]
        if not dry_run:
            remove_expired(client, expired)
            for removal in folders:
                remove(removal)
    return found


def clean_after_run(home: Home, entry: PipelineEntry, config: BaseModel) -> None:
    """Apply the retention when a run has ended; that it cannot be applied is told, and no fault of the run."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        clean(home, {**default_keeps(), entry.name: _keep_of(config)})
    except (FusionGuardError, SQLAlchemyError, OSError) as error:
        _log.warning("What is beyond its retention could not be removed: %s", error)


def default_keeps() -> dict[str, KeepConfig]:
    """Return the retention of every pipeline, as their settings' files have it."""
    return {name: _keep_of(load_config(entry.config, [entry.settings])) for name, entry in CATALOG.items()}


def _keep_of(config: BaseModel) -> KeepConfig:
    keep = getattr(config, "keep", None)  # a pipeline of somebody else's may have no such section
    return keep if isinstance(keep, KeepConfig) else KeepConfig()


def main(arguments: list[str] | None = None) -> int:
    """Show and remove; return the exit status."""
    parser = argparse.ArgumentParser(prog="fusionguard clean", allow_abbrev=False)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--keep-runs", type=int, default=None)
    parser.add_argument("--keep-days", type=float, default=None)
    options = parser.parse_args(arguments)
    try:
        return _clean_and_tell(options)
    except Exception as error:
        failure = expected_failure(error)
        if failure is None:
            raise
        sys.stderr.write(f"fusionguard: {failure}\n")
        return failure.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted: the same command goes on with the rest.\n")
        return 130


def _clean_and_tell(options: argparse.Namespace) -> int:
    home = find_home()
    named = named_removals(home, options.names)  # first: a mistyped name removes nothing
    asked = {key: value for key, value in (("runs", options.keep_runs), ("days", options.keep_days)) if value is not None}
    keeps = {name: keep.model_copy(update=asked) for name, keep in default_keeps().items()}
    plan = [*clean(home, keeps, dry_run=True), *named]
    for line in _lines(plan, home):
        sys.stdout.write(line + "\n")
    kept = [name for name in NAMES if name not in options.names]
    if kept:
        sys.stdout.write(f"Kept until you name it: {', '.join(f'{NAMES[name][0]} ({name})' for name in kept)}.\n")
    total = f"{freed_bytes(plan) / 1e6:,.1f} MB"
    if options.dry_run:
        sys.stdout.write(f"Would free {total}; nothing was removed. The same without --dry-run removes it.\n")
        return 0
    clean(home, keeps)
    for removal in named:
        remove(removal)
    sys.stdout.write(f"Freed {total}.\n")
    return 0


def _lines(plan: list[Removal], home: Home) -> list[str]:
    """Return a line for each kind of thing, with its size, number and reasons."""
    lines = []
    for kind in dict.fromkeys(removal.kind for removal in plan):
        own = [removal for removal in plan if removal.kind == kind]
        reasons = list(dict.fromkeys(removal.why for removal in own))
        more = "" if len(reasons) <= 2 else ", ..."
        place = _common(own, home)
        lines.append(f"{freed_bytes(own) / 1e6:10,.1f} MB  {len(own):5,} {kind} in {place}: {'; '.join(reasons[:2])}{more}")
    return lines


def _common(removals: list[Removal], home: Home) -> Path:
    """Return the folder below the home that all of them lie in."""
    place = Path(os.path.commonpath([removal.path.parent for removal in removals]))
    return place.relative_to(home.root) if place.is_relative_to(home.root) else place


def _lock_of(home: Home) -> Path:
    lock = home.state / "artifacts"
    return lock if lock.is_dir() else home.state


if __name__ == "__main__":
    sys.exit(main())
