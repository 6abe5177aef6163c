"""What the service counts, for Prometheus; with several workers each adds to the same counts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusionguard.serving.loaded import LoadedRelease
    from fusionguard.serving.prediction_log import LogStats

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_PROBABILITIES = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)


def separate_supervisors() -> None:
    """Give the workers of each supervisor a folder of counts of their own; call it before ``prometheus_client`` is imported."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        own = Path(folder) / str(os.getppid())
        own.mkdir(parents=True, exist_ok=True)
        os.environ[FOLDER_VARIABLE] = str(own)


class Metrics:
    """The service's counts; one object a process."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry = CollectorRegistry()
        own: Any = {"registry": self.registry}
        self._requests = Counter("fusionguard_requests", "Requests answered.", ["route", "status"], **own)
        self._seconds = Histogram(
            "fusionguard_request_seconds", "From the headers' arrival to the answer.", ["route"], buckets=_SECONDS, **own
        )
        self._rejects = Counter("fusionguard_rejects", "Requests refused.", ["route", "reason"], **own)
        self._decisions = Counter("fusionguard_decisions", "Rows scored.", ["model", "version", "role", "decision"], **own)
        self._probability = Histogram(
            "fusionguard_probability",
            "Calibrated probabilities of rows that came alone.",
            ["model", "version"],
            buckets=_PROBABILITIES,
            **own,
        )
        self._reloads = Counter("fusionguard_reloads", "Releases loaded after the start.", ["outcome"], **own)
        self._shadow_failures = Counter("fusionguard_shadow_failures", "Rows a challenger failed to score.", ["model"], **own)
        self._lost = Counter(
            "fusionguard_log_rows_lost", "Rows that the prediction log will never hold.", ["model", "reason"], **own
        )
        self._failed = Counter("fusionguard_log_failed_writes", "Writes of the log that the disk refused.", ["model"], **own)
        self._written = Counter("fusionguard_log_rows_written", "Rows that the prediction log holds.", ["model"], **own)
        self._pending = Gauge(
            "fusionguard_log_rows_pending", "Rows not yet on the disk.", ["model"], multiprocess_mode="livesum", **own
        )
        self._failing = Gauge(
            "fusionguard_log_failing", "1 while the disk refuses the log.", ["model"], multiprocess_mode="livemax", **own
        )
        self._info = Gauge(
            "fusionguard_model_info",
            "1 for each model in use.",
            ["model", "role", "version", "origin"],
            multiprocess_mode="livemax",
            **own,
        )
        self._forget_the_dead()
        self._bound: dict[tuple[Any, ...], Any] = {}
        self._logged: dict[str, LogStats] = {}
        self._models: list[tuple[str, ...]] = []

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        bound = self._bound.get((route, status))
        if bound is None:
            bound = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._bound[(route, status)] = bound
        bound[0].inc()
        bound[1].observe(seconds)

    def reject(self, route: str, reason: str) -> None:
        """Count a refused request."""
        self._rejects.labels(route, reason).inc()

    def decision(self, model: str, version: str, decision: str, probability: float) -> None:
        """Count a row that came alone."""
        key = ("one", model, version, decision)
        bound = self._bound.get(key)
        if bound is None:
            bound = self._decisions.labels(model, version, "champion", decision), self._probability.labels(model, version)
            self._bound[key] = bound
        bound[0].inc()
        bound[1].observe(probability)

    def decisions(self, model: str, version: str, role: str, decision: str, rows: int) -> None:
        """Count the rows of one decision."""
        self._decisions.labels(model, version, role, decision).inc(rows)

    def shadow_failed(self, model: str) -> None:
        """Count a row or batch that the challenger did not score."""
        self._shadow_failures.labels(model).inc()

    def reloaded(self, outcome: str) -> None:
        """Count a reload: ``loaded`` or ``refused``."""
        self._reloads.labels(outcome).inc()

    def models(self, release: LoadedRelease) -> None:
        """Tell which models are in use now."""
        for labels in self._models:
            self._info.labels(*labels).set(0)
        self._models = [(each.about.model, each.about.role, each.version, each.origin) for each in release.models]
        for labels in self._models:
            self._info.labels(*labels).set(1)

    def log(self, model: str, stats: LogStats) -> None:
        """Take over what a prediction log says of itself."""
        before = self._logged.get(model)
        self._written.labels(model).inc(stats.rows_written - (before.rows_written if before else 0))
        self._failed.labels(model).inc(stats.failed_writes - (before.failed_writes if before else 0))
        for reason, rows in stats.rows_lost_by.items():
            self._lost.labels(model, reason).inc(rows - (before.rows_lost_by[reason] if before else 0))
        self._logged[model] = stats
        self._pending.labels(model).set(stats.rows_pending)
        self._failing.labels(model).set(stats.last_error is not None)

    def text(self) -> bytes:
        """Return all counts in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = self.registry
        if os.environ.get(FOLDER_VARIABLE):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return bytes(generate_latest(registry))

    def _forget_the_dead(self) -> None:
        """Take workers that were killed out of the sums over living ones."""
        from prometheus_client.multiprocess import mark_process_dead

        folder = os.environ.get(FOLDER_VARIABLE)
        if folder:
            for process in {int(file.stem.rpartition("_")[2]) for file in Path(folder).glob("gauge_live*_*.db")}:
                if not Path(f"/proc/{process}").exists():
                    mark_process_dead(process, folder)  # type: ignore[no-untyped-call]
