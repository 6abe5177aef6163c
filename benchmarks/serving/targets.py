"""What the service must reach on two cores, with the load generator on the same ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.serving.contenders import FASTAPI, SERVICE
from benchmarks.serving.results import ServingResults

CLOSED_2, CLOSED_16 = "closed, 2 connections", "closed, 16 connections"
FLAGGED, EXPLAIN, CHURN = "flagged, 1 connection", "explain, 1 connection", "churn, 2 connections"


def open_name(per_second: int) -> str:
    """Return the name of an open load."""
    return f"open, {per_second:,} requests/s"


@dataclass(frozen=True)
class Target:
    """A number and its bound."""

    what: str
    bound: float
    unit: str
    reached: Callable[[ServingResults], float]
    at_least: bool = False

    def met(self, results: ServingResults) -> bool:
        """Whether the measured number keeps the bound."""
        value = self.reached(results)
        return value >= self.bound if self.at_least else value <= self.bound

    @property
    def wanted(self) -> str:
        """The bound as people read it."""
        return f"at {'least' if self.at_least else 'most'} {self.bound:,g} {self.unit}"


TARGETS = (
    Target("a single fraud score at 2 connections, p99", 3.0, "ms", lambda results: results.value(CLOSED_2, SERVICE, "p99_ms")),
    Target(
        "single fraud scores at 2 connections",
        2000.0,
        "requests/s",
        lambda results: results.value(CLOSED_2, SERVICE, "per_second"),
        at_least=True,
    ),
    Target(
        "CPU of a request, divided by bare FastAPI's",
        3.5,
        "times",
        lambda results: results.ratio(CLOSED_2, SERVICE, FASTAPI, "cpu_us"),
    ),
    Target(
        "a single fraud score at 16 connections, p99", 10.0, "ms", lambda results: results.value(CLOSED_16, SERVICE, "p99_ms")
    ),
    Target("a flagged score with reason codes, median", 3.0, "ms", lambda results: results.value(FLAGGED, SERVICE, "p50_ms")),
    Target("10,000 rows through 600 trees on 2 threads", 30.0, "ms", lambda results: results.model_time.xgboost_ms),
)
