"""``process_*`` for Prometheus, of a whole service: its supervisor, its workers and what these have started, read from ``/proc``.

prometheus_client counts its own process alone, and nothing of it where several processes share their counts.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prometheus_client import Metric

PROC = Path("/proc")
TOLD = "cpu-seconds"
"""The file in the service's folder that holds what was last told of its CPU time, so that the counter never falls."""

_TOLD = struct.Struct("<dd")
_LOOKS = 3


class Process(NamedTuple):
    """What ``/proc/PID/stat`` says of a process."""

    identity: int
    cpu_ticks: int
    """Its own time and that of the children it has waited for, in user and system mode."""
    waited_ticks: int
    """Those children's part of it."""
    start_ticks: int
    """Since the machine has started."""
    virtual_bytes: int
    resident_pages: int


class ProcessCollector:
    """Reads a process and its descendants when Prometheus asks; says nothing where ``/proc`` does not tell, as on macOS.

    Parameters
    ----------
    root
        Returns the supervisor, or a service's only process.
    folder
        What the service's processes share; without one, what a killed process took with it is missing in the CPU time.
    """

    def __init__(self, root: Callable[[], int], folder: Path | None = None, proc: Path = PROC) -> None:
        self._root, self._folder, self._proc = root, folder, proc
        self._ticks, self._page_bytes = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics under the names that all exporters use."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        root = self._root()
        if not (self._proc / f"{root}/task/{root}/children").exists():
            return  # without it a part would pass for the whole
        found = self._consistent(root)
        if not found:
            return
        seconds = self._never_less(sum(each.cpu_ticks for each in found) / self._ticks)
        yield CounterMetricFamily("process_cpu_seconds", "User and system CPU time of all processes of the service.", seconds)
        memory = sum(each.resident_pages for each in found) * self._page_bytes
        yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory, summed over the service's processes.", memory)
        virtual = sum(each.virtual_bytes for each in found)
        yield GaugeMetricFamily("process_virtual_memory_bytes", "Virtual memory, summed over the service's processes.", virtual)
        began = self._boot_seconds() + found[0].start_ticks / self._ticks
        yield GaugeMetricFamily("process_start_time_seconds", "When the service was started, as a Unix time.", began)
        files = [each for each in map(self._open_files, found) if each is not None]
        if files:  # each process has a limit of its own, and the one nearest to it fails first
            opened, most = max(files, key=lambda pair: pair[0] / pair[1])
            nearest = "of the service's process that is nearest to its limit."
            yield GaugeMetricFamily("process_open_fds", f"Open file descriptors {nearest}", opened)
            yield GaugeMetricFamily("process_max_fds", f"Most file descriptors {nearest}", most)

    def _consistent(self, root: int) -> list[Process]:
        """Return the processes, the root first; one that ended meanwhile is counted either as living or as waited for."""
        found: list[Process] = []
        for _ in range(_LOOKS):
            found = list(self._tree(root))
            after = self._read(root)
            if not found or after is None or after.waited_ticks == found[0].waited_ticks:
                break
        return found

    def _tree(self, identity: int) -> Iterator[Process]:
        process = self._read(identity)
        if process is None:
            return
        yield process
        for thread in self._listed(identity, "task"):
            try:
                children = (self._proc / str(identity) / "task" / thread / "children").read_text()
            except OSError:  # it has just ended
                continue
            for child in children.split():
                yield from self._tree(int(child))

    def _read(self, identity: int) -> Process | None:
        try:
            text = (self._proc / str(identity) / "stat").read_text()
        except OSError:
            return None
        fields = text.rpartition(")")[2].split()  # a program's name may hold blanks and brackets; the third field comes after
        user, system, waited_user, waited_system = map(int, fields[11:15])
        waited = waited_user + waited_system
        return Process(identity, user + system + waited, waited, int(fields[19]), int(fields[20]), int(fields[21]))

    def _open_files(self, process: Process) -> tuple[int, int] | None:
        opened = len(self._listed(process.identity, "fd"))
        try:
            limits = (self._proc / str(process.identity) / "limits").read_text()
        except OSError:
            return None
        (most,) = [line.split()[3] for line in limits.splitlines() if line.startswith("Max open files")]
        return (opened, int(most)) if opened and most.isdigit() else None  # of another user's process nobody may list them

    def _listed(self, identity: int, folder: str) -> list[str]:
        try:
            return [entry.name for entry in (self._proc / str(identity) / folder).iterdir()]
        except OSError:
            return []

    def _boot_seconds(self) -> int:
        lines = (self._proc / "stat").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("btime "))

    def _never_less(self, seconds: float) -> float:
        """Return the CPU time with that of processes nobody has waited for, such as those that a killed worker had started."""
        if self._folder is None:
            return seconds
        descriptor = os.open(self._folder / TOLD, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            told: float
            lost: float
            told, lost = _TOLD.unpack(os.pread(descriptor, _TOLD.size, 0).ljust(_TOLD.size, b"\0"))
            lost = max(lost, told - seconds)
            os.pwrite(descriptor, _TOLD.pack(seconds + lost, lost), 0)
        finally:
            os.close(descriptor)
        return seconds + lost
