"""A server as a process tree: its start, the CPU it uses, the memory it holds, its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import CHECKOUT, BenchmarkError, kill_group, process_tree
from benchmarks.serving.load import ask

START_SECONDS = 90.0
STOP_SECONDS = 20.0
IDLE_SECONDS, IDLE_SHARE = 10.0, 0.15

_TICKS = os.sysconf("SC_CLK_TCK")
_LINES_SHOWN = 5


@dataclass(frozen=True)
class Memory:
    """What a process tree holds, in MB (2**20 bytes)."""

    rss_mb: float
    """Pages that processes share count once for each."""
    pss_mb: float
    """They count once in all."""


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    process: subprocess.Popen[bytes]
    port: int
    start_seconds: float
    """From the start of the process to the first score."""

    def cpu_seconds(self) -> float:
        """Return the CPU time that its processes have used so far, in user mode and in the kernel."""
        return sum(_cpu_ticks(pid) for pid in process_tree(self.process.pid)) / _TICKS

    def wait_idle(self) -> None:
        """Wait until its processes use next to no CPU, for some seconds at most."""
        until, used = time.monotonic() + IDLE_SECONDS, -1.0
        while time.monotonic() < until and self.cpu_seconds() - used > IDLE_SHARE * 0.2:
            used = self.cpu_seconds()
            time.sleep(0.2)

    def memory(self) -> Memory:
        """Return what its processes hold now."""
        held = [_held_kb(pid) for pid in process_tree(self.process.pid)]
        return Memory(sum(rss for rss, _ in held) / 1024, sum(pss for _, pss in held) / 1024)

    def stop(self) -> None:
        """End it: politely first, as its logs want to be written."""
        self.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        kill_group(self.process.pid)
        self.process.wait()


def start_server(command: Sequence[str], *, environment: Mapping[str, str], port: int, first: bytes, output: Path) -> Server:
    """Start a server and return it when it has answered ``first``, a request; ``output`` gets what it says.

    Raises
    ------
    BenchmarkError
        It ended, or gave no answer within ``START_SECONDS``; the message ends with its last lines.
    """
    begin = time.monotonic()
    with output.open("wb") as stream:
        process = subprocess.Popen(
            list(command),
            cwd=CHECKOUT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        while True:
            with suppress(OSError):
                ask(port, first)
                return Server(process, port, time.monotonic() - begin)
            if process.poll() is not None or time.monotonic() - begin > START_SECONDS:
                lines = [line for line in output.read_text(errors="replace").splitlines() if line.strip()]
                raise BenchmarkError(f"{' '.join(command[1:])} does not serve: {' | '.join(lines[-_LINES_SHOWN:])}")
            time.sleep(0.02)
    except BaseException:
        kill_group(process.pid)
        process.wait()
        raise


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cpu_ticks(pid: int) -> int:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0


def _held_kb(pid: int) -> tuple[int, int]:
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        held = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        return held["Rss"], held["Pss"]
    return 0, 0
