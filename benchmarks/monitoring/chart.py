"""How seconds and memory grow with the rows of a log: the picture beside docs/monitoring.md."""

from __future__ import annotations

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from benchmarks.monitoring.results import MonitoringResults, Scale
from fusionguard.evaluation.plot_style import ACCENT, MAIN, MUTED, STYLE, png


def draw_growth(results: MonitoringResults) -> bytes:
    """Return the chart as a PNG image, the same for the same numbers."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.6), layout=ConstrainedLayoutEngine(wspace=0.06))
        seconds, memory = figure.subplots(1, 2)
        for name, runs, color in (
            ("DuckDB", results.scale, MAIN),
            ("Spark", results.spark, ACCENT),
            ("Evidently's preset alone", results.evidently, MUTED),
        ):
            _line(seconds, name, runs, [run.seconds for run in runs], color)
            _line(memory, name, runs, [run.peak_mb for run in runs], color)
        seconds.set(xscale="log", ylabel="seconds", xlabel="rows", ylim=(0, None))
        memory.set(xscale="log", ylabel="peak MB", xlabel="rows", ylim=(0, None))
        seconds.set_title("From a simulated log to its verdict")
        memory.legend(frameon=False, fontsize=9)
        return png(figure)


def _line(axes: Axes, name: str, runs: tuple[Scale, ...], values: list[float], color: str) -> None:
    axes.plot([run.rows for run in runs], values, color=color, marker="o", markersize=5, label=name)
    for run, value in zip(runs, values, strict=True):
        axes.annotate(f"{value:,.0f}", (run.rows, value), xytext=(0, 5), textcoords="offset points", fontsize=8, color=color)
