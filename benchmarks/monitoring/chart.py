"""How seconds and memory grow with the rows of a log: the picture beside docs/monitoring.md."""

from __future__ import annotations

from benchmarks import growth_chart
from benchmarks.monitoring.results import MonitoringResults


def draw_growth(results: MonitoringResults) -> bytes:
    """Return the chart as a PNG image, the same for the same numbers."""
    lines = {"DuckDB": results.scale, "Spark": results.spark, "Evidently's preset alone": results.evidently}
    return growth_chart.draw_growth(lines, "From a simulated log to its verdict")
