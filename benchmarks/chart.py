"""The chart beside the document: where the fraud run's time goes, and how the engines and the run grow."""

from __future__ import annotations

from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from benchmarks.engines import EngineRun, engine_pairs
from benchmarks.pipeline_run import PipelineRun
from benchmarks.results import Results
from fusionguard.evaluation.plot_style import ACCENT, INK, MAIN, MUTED, STYLE, png

_OUTSIDE = "outside the steps"


def draw_chart(results: Results) -> bytes | None:
    """Return the chart as a PNG image, the same for the same numbers; None where nothing was measured that it shows."""
    panels = [(_draw_steps, results.fraud_run), (_draw_engines, results.engines), (_draw_growth, results.growth)]
    wanted = [draw for draw, part in panels if part]
    if not wanted:
        return None
    widths = [1.35 if draw is _draw_steps else 1.0 for draw in wanted]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.6 * sum(widths), 4.8), layout=ConstrainedLayoutEngine(wspace=0.06))
        for axes, draw in zip(figure.subplots(1, len(wanted), width_ratios=widths, squeeze=False)[0], wanted, strict=True):
            draw(axes, results)
        return png(figure)


def _draw_steps(axes: Axes, results: Results) -> None:
    assert results.fraud_run is not None
    cold = results.fraud_run.cold
    bars = [(step.name.replace("_", " "), step.seconds) for step in cold.steps] + [(_OUTSIDE, cold.outside_steps_seconds)]
    names, seconds = [name for name, _ in bars][::-1], [taken for _, taken in bars][::-1]
    colors = [MUTED if name == _OUTSIDE else MAIN for name in names]
    drawn = axes.barh(names, seconds, color=colors, height=0.66)
    axes.bar_label(drawn, fmt="%.1f", padding=4, fontsize=9)
    axes.set(xlabel="seconds", xlim=(0, max(seconds) * 1.14))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.grid(visible=False, axis="y")
    axes.set_title(f"The fraud run, {cold.rows:,} rows: {cold.took.seconds:.0f} s")


def _draw_engines(axes: Axes, results: Results) -> None:
    runs: dict[str, list[EngineRun]] = {"Spark": [], "DuckDB": []}
    for duckdb, spark in engine_pairs(results.engines or ()):
        runs["DuckDB"].append(duckdb)
        runs["Spark"].append(spark)
    for (name, line), color in zip(runs.items(), (ACCENT, MAIN), strict=True):
        _line(axes, [(run.rows, run.seconds) for run in line], color, name)
    axes.set(xscale="log", yscale="log", ylabel="seconds")
    _scales(axes, [run.rows for run in runs["DuckDB"]], [run.seconds for line in runs.values() for run in line])
    axes.set_title("Raw transactions to features")


def _draw_growth(axes: Axes, results: Results) -> None:
    runs: tuple[PipelineRun, ...] = results.growth or ()
    _line(axes, [(run.rows, run.took.seconds) for run in runs], MAIN)
    first = runs[0]
    proportional = [first.took.seconds * run.rows / first.rows for run in runs]
    axes.plot([run.rows for run in runs], proportional, color=MUTED, linestyle=(0, (4, 3)), linewidth=1.2)
    _note(axes, "in proportion", (runs[-1].rows, proportional[-1]), (-9, 2), ha="right", color=MUTED)
    axes.set(xscale="log", yscale="log", ylabel="seconds")
    _scales(axes, [run.rows for run in runs], [*proportional, *(run.took.seconds for run in runs)])
    axes.set_title("The whole fraud run")


def _line(axes: Axes, points: list[tuple[int, float]], color: str, name: str = "") -> None:
    rows, seconds = zip(*points, strict=True)
    axes.plot(rows, seconds, color=color, marker="o", markersize=5)
    for row, taken in points:
        text = f"{taken:.0f} s" if taken >= 10 else f"{taken:.1f} s"
        _note(axes, text, (row, taken), (5, -13), ha="left", fontsize=9, color=color)
    _note(axes, name, points[-1], (-9, 3), ha="right", color=color, fontweight="bold")


def _note(axes: Axes, text: str, point: tuple[float, float], offset: tuple[float, float], **look: Any) -> None:
    axes.annotate(text, point, xytext=offset, textcoords="offset points", **look)


def _scales(axes: Axes, rows: list[int], seconds: list[float]) -> None:
    axes.set_xticks(rows, [f"{row / 1e6:.2g} M" if row >= 100_000 else f"{row:,}" for row in rows])
    ticks = [tick for power in range(-2, 5) for tick in (10.0**power, 2 * 10.0**power, 5 * 10.0**power)]
    low, high = min(seconds) / 1.8, max(seconds) * 1.5
    shown = [tick for tick in ticks if low <= tick <= high]
    axes.set_yticks(shown, [f"{tick:g}" for tick in shown])
    axes.minorticks_off()
    axes.set(ylim=(low, high), xlim=(min(rows) / 1.35, max(rows) * (max(rows) / min(rows)) ** 0.16), xlabel="rows")
    axes.tick_params(colors=INK)
