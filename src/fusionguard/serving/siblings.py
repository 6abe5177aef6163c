"""What the workers of one service let each other know: which of them load their models, and which answer."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

from fusionguard.serving.request_metrics import is_alive
from fusionguard.serving.service_folder import VARIABLE


class WorkerState(StrEnum):
    """How a worker does; one that could not load its models is in neither state."""

    STARTS = "starts"
    ANSWERS = "answers"


def enter(state: WorkerState | None) -> None:
    """Let the siblings know this worker's state, by an empty file; None leaves the one it was in."""
    folder = _folder()
    if folder is None:
        return
    if state is not None:
        (folder / f"{state}-{os.getpid()}").touch()
    for other in WorkerState:
        if other != state:
            (folder / f"{other}-{os.getpid()}").unlink(missing_ok=True)


def be_first(what: str) -> bool:
    """Tell whether this worker is the first of its service to ask so."""
    folder = _folder()
    if folder is None:
        return True
    try:
        (folder / what).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def has_sibling(state: WorkerState) -> bool:
    """Tell whether another worker of the same supervisor is in that state; a dead one is in none."""
    folder = _folder()
    if folder is None:
        return False
    processes = {int(file.name.removeprefix(f"{state}-")) for file in folder.glob(f"{state}-*")}
    return any(is_alive(process) for process in processes - {os.getpid()})


def _folder() -> Path | None:
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None
