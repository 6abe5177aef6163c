"""Checkpoints of one piece of training, so that a process that is killed at any moment goes on later from where it was.

A scheduler that is about to take the machine away sends SIGUSR1 some time before it kills. A training then saves at the
next point it can be resumed from and waits: ending by itself would look like a finished job, and its work would be lost.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from fusionguard.errors import FusionGuardError, StorageError, UsageError
from fusionguard.files import json_text, write_bytes

FOLDER_VARIABLE = "FUSIONGUARD_CHECKPOINTS"
"""Names the folder of checkpoints; where it is not set, none are written and a warning changes nothing."""
SECONDS_VARIABLE = "FUSIONGUARD_CHECKPOINT_SECONDS"
"""At most so many seconds of training, and one step of it, are lost where a kill comes without a warning."""
DEFAULT_SECONDS = 60.0
WAIT_SECONDS = 120.0
"""How long after a warning the end is waited for, unless :func:`listen_for_warnings` is told otherwise."""

_FORMAT = "FusionGuard checkpoint 1"
_FACTS = "facts"
_log = logging.getLogger(__name__)


def open_checkpoints(name: str, identity: str | Callable[[], str], *, every_seconds: float | None = None) -> Checkpoints:
    """Return the checkpoints of one piece of training, in the folder that ``FUSIONGUARD_CHECKPOINTS`` names.

    Nothing is deleted when the training ends: a process may still be killed before its result is stored. Who names the
    folder removes it.

    Parameters
    ----------
    name
        What is trained, in letters, digits and hyphens: the beginning of the file's name.
    identity
        A SHA-256 over everything that decides the result, as :func:`identify` makes it: another training's checkpoint is
        never loaded. A function is called only where there is a folder.
    every_seconds
        The bound on the time between two saves; by default ``FUSIONGUARD_CHECKPOINT_SECONDS``, else 60.

    Raises
    ------
    UsageError
        ``FUSIONGUARD_CHECKPOINT_SECONDS`` is not a number of seconds.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return Checkpoints(None, "", DEFAULT_SECONDS)
    known = identity if isinstance(identity, str) else identity()
    file = Path(folder).expanduser() / f"{name}-{known[:16]}.checkpoint"
    return Checkpoints(file, known, _seconds() if every_seconds is None else every_seconds)


class Checkpoints:
    """The last saved state of one piece of training; made by :func:`open_checkpoints`.

    ``file`` is None where no checkpoints are wanted: then nothing is found, due or written.
    """

    def __init__(self, file: Path | None, identity: str, every_seconds: float) -> None:
        self.file = file
        self.identity = identity
        self.every_seconds = every_seconds
        self._saved_at = time.monotonic()

    def load(self) -> bytes | None:
        """Return the content that was saved last; None, with a logged warning, where it is damaged or another training's."""
        if self.file is None:
            return None
        try:
            return _content(self.file.read_bytes(), self.identity)
        except FileNotFoundError:
            return None
        except (OSError, StorageError) as error:
            _log.warning("checkpoint %s is ignored: %s", self.file.name, error)
            return None

    def due(self) -> bool:
        """Tell whether to save now: a warning came, or ``every_seconds`` have passed since the last time."""
        return self.file is not None and (warned() or time.monotonic() - self._saved_at >= self.every_seconds)

    def save(self, content: bytes) -> None:
        """Replace the checkpoint: a kill at any moment leaves the last one or this one, whole.

        A disk that refuses is logged as a warning, for the training itself can go on.
        """
        if self.file is None:
            return
        header = {"format": _FORMAT, "identity": self.identity, "sha256": _sha256(content)}
        try:
            write_bytes(self.file, json.dumps(header).encode() + b"\n" + content)
        except (OSError, FusionGuardError) as error:
            _log.warning("no checkpoint: %s", error)
        self._saved_at = time.monotonic()

    def pass_point(self, state: Callable[[], bytes]) -> None:
        """Say that the training is where it can be resumed: saves ``state()`` if due; after a warning, waits for the end."""
        if self.due():
            self.save(state())
            if warned():
                wait_for_the_end()


def listen_for_warnings(wait_seconds: float = WAIT_SECONDS) -> None:
    """Take SIGUSR1 as "this process will be killed soon"; call it once, in the main thread, where a job begins.

    Parameters
    ----------
    wait_seconds
        More than the time the scheduler leaves between warning and kill. A process that still lives after it goes on
        training, ready for the next warning.
    """
    _warnings.wait_seconds = wait_seconds
    signal.signal(signal.SIGUSR1, _warnings.receive)


def warned() -> bool:
    """Tell whether a warning came that nobody has waited on yet."""
    return _warnings.received_at > _warnings.answered_at


def wait_for_the_end() -> None:
    """Sleep until this process is killed, or until ``wait_seconds`` after the last warning: then return, the warning spent."""
    _log.info("preemption is near: waiting to be stopped")
    while warned():
        received_at = _warnings.received_at
        remaining = received_at + _warnings.wait_seconds - time.monotonic()
        if remaining > 0:
            time.sleep(min(remaining, 1.0))
        else:
            _warnings.answered_at = received_at
    _log.info("nobody stopped this process: it goes on")


def identify(settings: Mapping[str, Any], arrays: Iterable[np.ndarray] = ()) -> str:
    """Return the SHA-256 over JSON-able settings and the types, shapes and values of arrays."""
    digest = hashlib.sha256(json_text(dict(settings)).encode())
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def pack(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return JSON-able facts and named arrays as one ``.npz`` file, without pickle.

    Raises
    ------
    ValueError
        An array of Python objects, or a fact that JSON has no word for; floats that may be infinite belong in an array.
    """
    stream = io.BytesIO()
    text = np.frombuffer(json_text(dict(facts)).encode(), dtype=np.uint8)
    np.savez(stream, allow_pickle=False, **{_FACTS: text, **arrays})
    return stream.getvalue()


def unpack(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the facts and arrays that :func:`pack` was given."""
    with np.load(io.BytesIO(content), allow_pickle=False) as packed:
        arrays = {name: packed[name] for name in packed.files}
    return json.loads(arrays.pop(_FACTS).tobytes()), arrays


class _Warnings:
    """What SIGUSR1 has told this process: signals belong to a process, so there is one of it."""

    def __init__(self) -> None:
        self.received_at = self.answered_at = float("-inf")
        self.wait_seconds = WAIT_SECONDS

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Note the time, and no more: a handler runs between any two instructions."""
        self.received_at = time.monotonic()


_warnings = _Warnings()


def _content(stored: bytes, identity: str) -> bytes:
    """Return what a checkpoint file holds.

    Raises
    ------
    StorageError
        It is incomplete, altered, of an unknown format or of another training.
    """
    first, _, content = stored.partition(b"\n")
    try:
        header = json.loads(first)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise StorageError("it is not a checkpoint of this version")
    if header.get("identity") != identity:
        raise StorageError("it is of another training")
    if header.get("sha256") != _sha256(content):
        raise StorageError("its content does not have the SHA-256 it was written with")
    return content


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _seconds() -> float:
    text = os.environ.get(SECONDS_VARIABLE) or str(DEFAULT_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"{SECONDS_VARIABLE}={text} is not a number of seconds.", "Give one from 0 up, such as 60.")
    return seconds
