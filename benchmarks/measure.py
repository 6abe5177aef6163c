"""The one measuring tool: wall-clock seconds and peak memory of a command with everything it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict

from fusionguard.errors import FusionGuardError

CHECKOUT = Path(__file__).resolve().parents[1]

_SAMPLE_SECONDS = 0.1
_LINES_SHOWN = 5
_OURS = ("FUSIONGUARD_", "ZENML_", "MLFLOW_", "SPARK_", "KAGGLE_")


class BenchmarkError(FusionGuardError):
    """A measured command that failed: its numbers would mean nothing."""


class Measurement(BaseModel):
    """What a command took."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    """Wall clock, from before the process was started until it had ended."""
    peak_mb: float
    """The most memory its process tree held at once, in MB (2**20 bytes)."""


def measure(command: Sequence[str], *, environment: Mapping[str, str], timeout_seconds: float = 3600) -> Measurement:
    """Run a command in the checkout and measure it.

    Memory is resident set size summed over the process tree, read from ``/proc`` ten times a second; pages that processes share
    count once for each. A single process's own high-water mark, which the kernel keeps, counts too, so that a short peak is seen.

    Raises
    ------
    BenchmarkError
        It failed or took longer than ``timeout_seconds``; the message ends with its last lines.
    """
    with tempfile.TemporaryFile() as log:
        begin = time.monotonic()
        process = subprocess.Popen(
            list(command),
            cwd=CHECKOUT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        watch = _Watch(process.pid, deadline=begin + timeout_seconds)
        try:
            status = process.wait()
            seconds = time.monotonic() - begin
        finally:
            watch.stop()
            kill_group(process.pid)  # what the command left behind; and itself, where the measuring was interrupted
            process.wait()
        if status != 0:
            said = "ran out of time" if watch.expired else f"failed with status {status}"
            raise BenchmarkError(f"{_name(command)} {said}: {_tail(log)}", "Run it by itself to see all it says.")
    return Measurement(seconds=round(seconds, 2), peak_mb=round(watch.peak_bytes / 2**20, 1))


def python(*arguments: str | Path) -> list[str]:
    """Return the command that runs this interpreter with ``arguments``."""
    return [sys.executable, *map(str, arguments)]


def fresh_environment(folder: Path) -> dict[str, str]:
    """Return this environment with a home, a ZenML store and temporary files of its own under ``folder``, as on a new machine."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    places = {"FUSIONGUARD_HOME": "home", "ZENML_CONFIG_PATH": "zenml", "TMPDIR": "temporary"}
    for variable, name in places.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        environment[variable] = str(folder / name)
    return environment


@dataclass
class _Watch:
    """Samples a process tree's memory in a thread, and ends the tree at a deadline."""

    root: int
    deadline: float
    peak_bytes: int = 0
    expired: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more samples."""
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            held = [_memory(pid) for pid in process_tree(self.root)]
            self.peak_bytes = max(self.peak_bytes, sum(now for now, _ in held), *(most for _, most in held), 0)
            if self._stop.wait(_SAMPLE_SECONDS):
                return
            if time.monotonic() > self.deadline and not self.expired:
                self.expired = True
                kill_group(self.root)


def process_tree(root: int) -> list[int]:
    """Return ``root`` and its descendants that live now."""
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                text = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:  # it has just ended
                continue
            children.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    tree = [root]
    for pid in tree:
        tree += children.get(pid, [])
    return tree


def _memory(pid: int) -> tuple[int, int]:
    """Return the bytes a process holds now, and the most it has ever held."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0, 0
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    now, most = (int(fields.get(name, "0 kB").split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def kill_group(leader: int) -> None:
    """End a process group at once, if it still lives."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _name(command: Sequence[str]) -> str:
    return " ".join(Path(part).name if part.startswith("/") else part for part in command)


def _tail(log: IO[bytes]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read().decode("utf-8", errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-_LINES_SHOWN:])
