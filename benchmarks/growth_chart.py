"""How seconds and memory of several ways grow with rows: one picture for every section that has such sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from fusionguard.evaluation.plot_style import ACCENT, MAIN, MUTED, STYLE, png


class Grown(Protocol):
    """What one size took."""

    @property
    def rows(self) -> int:
        """How many rows there were."""

    @property
    def seconds(self) -> float:
        """How long they took."""

    @property
    def peak_mb(self) -> float:
        """The most memory that was held, in MB."""


def draw_growth(lines: Mapping[str, Sequence[Grown]], title: str, *, decades: bool = False) -> bytes:
    """Return the chart as a PNG image, the same for the same numbers: at most three lines, by name.

    ``decades`` draws seconds on a scale of powers of ten, too, on which growth in proportion is a straight line.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.6), layout=ConstrainedLayoutEngine(wspace=0.06))
        seconds, memory = figure.subplots(1, 2)
        for (name, runs), color in zip(lines.items(), (MAIN, ACCENT, MUTED), strict=False):
            _line(seconds, name, runs, [run.seconds for run in runs], color)
            _line(memory, name, runs, [run.peak_mb for run in runs], color)
        seconds.set(xscale="log", ylabel="seconds", xlabel="rows")
        seconds.set(**({"yscale": "log"} if decades else {"ylim": (0, None)}))
        memory.set(xscale="log", ylabel="peak MB", xlabel="rows", ylim=(0, None))
        seconds.set_title(title)
        memory.legend(frameon=False, fontsize=9)
        return png(figure)


def _line(axes: Axes, name: str, runs: Sequence[Grown], values: list[float], color: str) -> None:
    axes.plot([run.rows for run in runs], values, color=color, marker="o", markersize=5, label=name)
    for run, value in zip(runs, values, strict=True):
        axes.annotate(f"{value:,.0f}", (run.rows, value), xytext=(0, 5), textcoords="offset points", fontsize=8, color=color)
