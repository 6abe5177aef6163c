"""Everything one call of ``python -m benchmarks.serving`` has measured; medians and ratios are made of it, never stored."""

from __future__ import annotations

from datetime import date
from statistics import median

from pydantic import BaseModel, ConfigDict

from benchmarks.machine import Machine
from benchmarks.serving.arithmetic import percentile
from benchmarks.serving.load import Load


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Reading(_Frozen):
    """One load on one service in one round."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    per_second: float
    """Answers."""
    cpu_us: float
    """CPU microseconds of the service's processes for each answer, in user mode and in the kernel."""
    client_cpu_us: float
    """The same of the load generator, which shares the cores."""
    unanswered: int = 0
    """Requests of an open load that had no answer a second after the last one was due."""


class Start(_Frozen):
    """One start of a service, and what it holds at the end of the round."""

    seconds: float
    """From the start of the process to the first score."""
    rss_mb: float
    pss_mb: float


class ModelTime(_Frozen):
    """10,000 rows without any HTTP, medians."""

    rows: int
    trees: int
    threads: int
    uses_autoencoder: bool
    xgboost_ms: float
    onnx_ms: float
    answer_ms: float
    """XGBoost, and all that makes an answer of its margins; without reason codes."""


class ServingResults(_Frozen):
    """The measured numbers; each list has one entry for each round."""

    day: date
    machine: Machine
    full_size: bool
    """False for a quick run, whose numbers only show that the measuring works."""
    seconds: float
    load_seconds: float
    rounds: int
    requests_sent: int
    """Different transactions, sent in turn."""
    requests_flagged: int
    """Of these, those that are flagged, and get reason codes."""
    readings: dict[str, dict[str, list[Reading]]]
    """By load, then by service."""
    starts: dict[str, list[Start]]
    """By service."""
    batches_ms: dict[str, list[float]]
    """Medians of 10,000 rows over HTTP, by what carries them."""
    batch_rows: int
    batch_flagged: int
    model_time: ModelTime

    def value(self, load: str, service: str, name: str) -> float:
        """Return the median over the rounds of one of :class:`Reading`'s numbers."""
        return float(median(getattr(reading, name) for reading in self.readings[load][service]))

    def ratio(self, load: str, service: str, other: str, name: str) -> float:
        """Return the median over the rounds of ``service``'s number divided by ``other``'s of the same round."""
        pairs = zip(self.readings[load][service], self.readings[load][other], strict=True)
        return float(median(getattr(mine, name) / getattr(theirs, name) for mine, theirs in pairs))

    def start(self, service: str, name: str) -> float:
        """Return the median over the rounds of one of :class:`Start`'s numbers."""
        return float(median(getattr(start, name) for start in self.starts[service]))

    def batch_ms(self, kind: str) -> float:
        """Return the median over the rounds."""
        return float(median(self.batches_ms[kind]))


def read_load(load: Load, cpu_seconds: float) -> Reading:
    """Return what a load says, with the CPU seconds that the service used meanwhile."""
    if not load.answers:
        return Reading(
            p50_ms=0, p95_ms=0, p99_ms=0, max_ms=0, per_second=0, cpu_us=0, client_cpu_us=0, unanswered=len(load.latencies)
        )
    p50, p95, p99, most = (1e3 * percentile(load.latencies, share) for share in (50, 95, 99, 100))
    return Reading(
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        max_ms=most,
        per_second=load.answers / load.seconds,
        cpu_us=1e6 * cpu_seconds / load.answers,
        client_cpu_us=1e6 * load.client_cpu_seconds / load.answers,
        unanswered=len(load.latencies) - load.answers,
    )
