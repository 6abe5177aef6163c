"""The run behind a version or a moved alias: its name, its begin, where it is seen, and who started what of which code."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fusionguard.home import find_checkout

_GIT_SECONDS = 10.0


class RunSource(BaseModel):
    """Who started what, and the state of the code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str
    """The operating system's name of the user, who proved nothing else; ``uid 1000`` where the system has no name."""
    command: str
    """The entry point, such as ``run.py --pipeline NAME``; without settings, which are parameters."""
    commit: str = ""
    """The git commit of the checkout; empty where the code lies in none."""
    clean: bool | None = None
    """Whether no file of that commit was changed; null where git does not say."""
    asked_by: str = ""
    """Which other run asked for this one, and what for; empty where a person did."""


class PipelineRun(BaseModel):
    """A run of an orchestrator that the registry is told of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    began: datetime
    source: RunSource
    address: str = ""
    """The URL of its page; empty where it has none."""
    opened_by: str = ""
    """The command that makes the page appear, where a server does not always show it."""
    ends_later: bool = False
    """Whether who started it tells MLflow when it is over; else its page there ends as soon as its version is registered."""


def find_source(command: str = "", asked_by: str = "") -> RunSource:
    """Return who runs this process, of which code; ``command`` is the program's own name by default."""
    commit, clean = _git_state(find_checkout())
    return RunSource(
        user=_user(), command=command or Path(sys.argv[0]).name or "python", commit=commit, clean=clean, asked_by=asked_by
    )


def this_process() -> PipelineRun:
    """Return what is known where no orchestrator runs this: a run without a name that begins now."""
    return PipelineRun(name="", began=datetime.now(UTC), source=find_source())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container that runs under a number of its own
        return f"uid {os.getuid()}"


def _git_state(checkout: Path | None) -> tuple[str, bool | None]:
    """Return the commit and whether it is unchanged; nothing where the checkout is a part of somebody else's repository."""
    if checkout is None:
        return "", None
    top, _, commit = (_git(checkout, "rev-parse", "--show-toplevel", "HEAD") or "").partition("\n")
    if not commit or Path(top) != checkout:
        return "", None
    changed = _git(checkout, "status", "--porcelain", "--untracked-files=no")
    return commit, None if changed is None else not changed


def _git(checkout: Path, *words: str) -> str | None:
    """Return what git answers; None where there is no git, or it refuses."""
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}
    command = ["git", "-C", str(checkout), *words]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_GIT_SECONDS, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
