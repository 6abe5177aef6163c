"""What the scoring service counts, beside its requests."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionguard.serving.release import written_at
from fusionguard.serving.request_metrics import RequestMetrics

if TYPE_CHECKING:
    from prometheus_client import Metric

    from fusionguard.serving.loaded import LoadedRelease
    from fusionguard.serving.prediction_log import LogStats

_PROBABILITIES = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)


class Metrics(RequestMetrics):
    """The service's counts; one object a process.

    Parameters
    ----------
    release
        The folder of the release, which is looked at again when Prometheus asks.
    """

    def __init__(self, release: Path) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        super().__init__()
        own: Any = {"registry": self.registry}
        self._decisions = Counter("fusionguard_decisions", "Rows scored.", ["model", "version", "role", "decision"], **own)
        self._probability = Histogram(
            "fusionguard_probability",
            "Calibrated probabilities of rows that came alone.",
            ["model", "version"],
            buckets=_PROBABILITIES,
            **own,
        )
        self._reloads = Counter("fusionguard_reloads", "Releases loaded after the start.", ["outcome"], **own)
        for outcome in ("loaded", "refused"):  # a rise from nothing is none for Prometheus: it must have seen 0
            self._reloads.labels(outcome)
        self._shadow_failures = Counter("fusionguard_shadow_failures", "Rows a challenger failed to score.", ["model"], **own)
        self._late = Counter(
            "fusionguard_late_events", "Rows that came too late to see exactly what was before them.", ["model"], **own
        )
        self._state_failures = Counter(
            "fusionguard_state_failures",
            "Requests for which what happened before could not be looked up.",
            ["model"],
            **own,
        )
        self._without_history = Counter(
            "fusionguard_rows_without_history",
            "Rows scored without what happened before, and not recorded, because it could not be looked up.",
            ["model"],
            **own,
        )
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
        self._trained = Gauge(
            "fusionguard_model_trained_timestamp_seconds",
            "When the training of a model began; NaN where the registry does not say.",
            ["model", "role"],
            multiprocess_mode="livemin",
            **own,
        )
        self._loaded = Gauge(
            "fusionguard_release_timestamp_seconds",
            "When the release in use was written; of several workers that of the oldest one.",
            multiprocess_mode="livemin",
            **own,
        )
        self.looked_up.register(_ReleaseOnDisk(release))
        self._bound: dict[tuple[Any, ...], Any] = {}
        self._logged: dict[str, LogStats] = {}
        self._models: list[tuple[str, ...]] = []

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

    def late_events(self, model: str, rows: int) -> None:
        """Count rows that came too late to see exactly what was before them."""
        self._late.labels(model).inc(rows)

    def state_failed(self, model: str) -> None:
        """Count a request whose rows' past could not be looked up."""
        self._state_failures.labels(model).inc()

    def rows_without_history(self, model: str, rows: int) -> None:
        """Count rows that were scored without their past, which was not to be had."""
        self._without_history.labels(model).inc(rows)

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
        for each in release.models:
            began = each.about.trained_at
            seconds = math.nan if began is None else datetime.fromisoformat(began).timestamp()
            self._trained.labels(each.about.model, each.about.role).set(seconds)
        for name, each in release.champions.items():
            if each.state is not None:
                self._late.labels(name)
                self._state_failures.labels(name)
                self._without_history.labels(name)
        for model in release.challengers:
            self._shadow_failures.labels(model)
        self._loaded.set(release.written)

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


class _ReleaseOnDisk:
    """Tells when what lies in the release's folder was written, which workers take over at SIGHUP."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        written = written_at(self._folder)
        if written is not None:
            about = "When the release that lies in the folder was written; workers load it at SIGHUP."
            yield GaugeMetricFamily("fusionguard_release_on_disk_timestamp_seconds", about, written)
