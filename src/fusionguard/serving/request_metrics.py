"""What every service counts of its requests, for Prometheus; with several workers each adds to the same counts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionguard.serving.process_metrics import ProcessCollector
from fusionguard.serving.service_folder import VARIABLE

if TYPE_CHECKING:
    from prometheus_client import Metric

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


def share_counts() -> None:
    """Count in the folder of this worker's own service; call it before ``prometheus_client`` is imported."""
    folder = os.environ.get(VARIABLE)
    if folder:
        os.environ[FOLDER_VARIABLE] = folder


def is_alive(process: int) -> bool:
    """Tell whether there is a process of this id."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class RequestMetrics:
    """Counts of requests; one object a process.

    A service adds counts of its own to ``registry``, and to ``looked_up`` what is read when Prometheus asks, for all its workers.
    """

    def __init__(self, seconds: Sequence[float] = _SECONDS) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self.registry, self.looked_up = CollectorRegistry(), CollectorRegistry()
        own: Any = {"registry": self.registry}
        self._requests = Counter("fusionguard_requests", "Requests answered.", ["route", "status"], **own)
        self._seconds = Histogram(
            "fusionguard_request_seconds", "From the headers' arrival to the answer.", ["route"], buckets=tuple(seconds), **own
        )
        self._rejects = Counter("fusionguard_rejects", "Requests refused.", ["route", "reason"], **own)
        self._answered: dict[tuple[str, int], Any] = {}
        folder = os.environ.get(FOLDER_VARIABLE)
        self._folder = Path(folder) if folder else None
        self._supervisor = os.getppid()
        self.looked_up.register(ProcessCollector(self._root, self._folder))
        _forget_the_dead()

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        bound = self._answered.get((route, status))
        if bound is None:
            bound = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._answered[(route, status)] = bound
        bound[0].inc()
        bound[1].observe(seconds)

    def reject(self, route: str, reason: str) -> None:
        """Count a refused request."""
        self._rejects.labels(route, reason).inc()

    def text(self) -> bytes:
        """Return all counts in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, generate_latest

        counts = self.registry
        if self._folder is not None:
            counts = CollectorRegistry()
            counts.register(_CountsOfAllWorkers(self._folder))
        return bytes(generate_latest(counts) + generate_latest(self.looked_up))

    def _root(self) -> int:
        """Return the process above all others of this service."""
        supervised = self._folder is not None and os.getppid() == self._supervisor  # else it is gone, and this worker ends
        return self._supervisor if supervised else os.getpid()


class _CountsOfAllWorkers:
    """The counts of all workers, those that are starting among them.

    ``MultiProcessCollector`` fails over a file that a worker has made and not yet filled, or never will, as it was killed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        from prometheus_client.multiprocess import MultiProcessCollector

        files = [str(file) for file in self._folder.glob("*.db") if _size(file)]
        return MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call, no-any-return]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # of a worker that has ended
        return 0


def _forget_the_dead() -> None:
    """Take workers that were killed out of the sums over living ones."""
    from prometheus_client.multiprocess import mark_process_dead

    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        for process in {int(file.stem.rpartition("_")[2]) for file in Path(folder).glob("gauge_live*_*.db")}:
            if not is_alive(process):
                mark_process_dead(process, folder)  # type: ignore[no-untyped-call]
