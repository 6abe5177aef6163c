"""What the assistant's service counts, beside its requests: answers by kind, refusals by reason, thumbs, the model's state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionguard.assistant.answers import Answer
from fusionguard.errors import StorageError
from fusionguard.home import Home
from fusionguard.monitoring.history import FILE, VerdictRecord, read_history
from fusionguard.serving.request_metrics import RequestMetrics

if TYPE_CHECKING:
    from prometheus_client import Metric

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class AssistantMetrics(RequestMetrics):
    """The service's counts; one object a process."""

    def __init__(self, home: Home) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        super().__init__(_SECONDS)
        own: Any = {"registry": self.registry}
        self._answers = Counter("fusionguard_assistant_answers", "Questions answered.", ["kind", "writer"], **own)
        self._reasons = Counter(
            "fusionguard_assistant_reasons", "Why questions were refused, or answers withheld or unknown.", ["reason"], **own
        )
        self._seconds_taken = Histogram(
            "fusionguard_assistant_answer_seconds", "From a question's arrival to its whole answer.", buckets=_SECONDS, **own
        )
        self._failures = Counter("fusionguard_assistant_failures", "Questions that got no answer.", ["reason"], **own)
        self._thumbs = Counter("fusionguard_assistant_feedback", "Thumbs given to answers.", ["thumb"], **own)
        self._model = Gauge(
            "fusionguard_assistant_model_info",
            "1 for what writes now.",
            ["writer"],
            multiprocess_mode="livemax",
            **own,
        )
        self._lost = Gauge(
            "fusionguard_assistant_audit_lost",
            "Events that the audit log could not take since the start.",
            multiprocess_mode="livesum",
            **own,
        )
        self._open = Gauge(
            "fusionguard_assistant_questions_open", "Questions being answered or waiting.", multiprocess_mode="livesum", **own
        )
        self.looked_up.register(_Verdicts(home))

    def answered(self, answer: Answer, seconds: float) -> None:
        """Count an answer."""
        self._answers.labels(answer.kind, answer.written_by).inc()
        self._seconds_taken.observe(seconds)
        if answer.reason:
            self._reasons.labels(answer.reason).inc()

    def failed(self, reason: str) -> None:
        """Count a question that got no answer."""
        self._failures.labels(reason).inc()

    def thumb(self, thumb: str) -> None:
        """Count a thumb."""
        self._thumbs.labels(thumb).inc()

    def writer(self, name: str) -> None:
        """Tell how answers are written: ``extract`` or the language model's state."""
        for known in ("extract", "model", "model down"):
            self._model.labels(known).set(known == name)

    def audit_lost(self, count: int) -> None:
        """Tell how many events the audit log has lost."""
        self._lost.set(count)

    def open_questions(self, count: int) -> None:
        """Tell how many questions are being answered or wait."""
        self._open.set(count)


class _Verdicts:
    """Tells the last verdict of monitoring on each model; a history is read when it has changed, a damaged one says nothing."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._read: dict[Path, tuple[tuple[int, int], VerdictRecord | None]] = {}

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        state = GaugeMetricFamily(
            "fusionguard_monitoring_verdict", "1 for the last verdict.", labels=["model", "state", "action"]
        )
        labels = ["model"]
        at = GaugeMetricFamily("fusionguard_monitoring_timestamp_seconds", "When monitoring last judged a model.", labels=labels)
        for file in sorted(self._home.monitoring.glob(f"*/{FILE}")):
            last = self._last(file)
            if last is not None:
                state.add_metric([last.model, last.state, last.action], 1)
                at.add_metric([last.model], last.at.timestamp())
        yield from (state, at)

    def _last(self, file: Path) -> VerdictRecord | None:
        found = file.stat()
        stamp = found.st_mtime_ns, found.st_size
        known = self._read.get(file)
        if known is None or known[0] != stamp:
            try:
                records = read_history(file)
            except StorageError:  # the console and the index say which line it is
                records = ()
            known = self._read[file] = stamp, records[-1] if records else None
        return known[1]
