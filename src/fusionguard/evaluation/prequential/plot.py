"""The picture of prequential validation: each fold's readings, and what older models lose."""

from __future__ import annotations

from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fusionguard.evaluation.plot_style import ACCENT, INK, MAIN, MUTED, STYLE, png
from fusionguard.evaluation.prequential.report import OWNER_PRECISION, PrequentialReport
from fusionguard.evaluation.readings import AVERAGE_PRECISION

NAME = "folds_in_time"
_LOOKS = ((MAIN, "o"), (MUTED, "s"), ("#5fa8a0", "^"), ("#b39a5b", "D"))
_SPREAD = 0.12


def prequential_plots(report: PrequentialReport | None) -> dict[str, bytes]:
    """Return the plot ``folds_in_time`` as PNG bytes: average precision and owners' precision of each fold, oldest first.

    Nothing where there is no report.
    """
    if report is None:
        return {}
    shown = (AVERAGE_PRECISION, OWNER_PRECISION)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10.2, 4.9), layout="constrained")
        for axes, metric in zip(figure.subplots(1, len(shown)), shown, strict=True):
            _draw(axes, report, metric)
        return {NAME: png(figure)}


def _draw(axes: Axes, report: PrequentialReport, metric: str) -> None:
    folds = report.folds[::-1]
    for place, model in enumerate(report.mean):
        colour, marker = _LOOKS[place % len(_LOOKS)]
        at = [number + _SPREAD * (place - (len(report.mean) - 1) / 2) for number in range(len(folds))]
        read = [fold.readings[model].get(metric) for fold in folds]
        told = [(x, each) for x, each in zip(at, read, strict=True) if each is not None and each.value is not None]
        values = [each.value or 0.0 for _, each in told]
        below = [value - (each.low if each.low is not None else value) for value, (_, each) in zip(values, told, strict=True)]
        above = [(each.high if each.high is not None else value) - value for value, (_, each) in zip(values, told, strict=True)]
        look: dict[str, Any] = {"fmt": marker, "color": colour, "markersize": 5, "elinewidth": 1.2, "clip_on": False}
        axes.errorbar([x for x, _ in told], values, yerr=(below, above), label=model, **look)
    if metric == OWNER_PRECISION:
        axes.plot(range(len(folds)), [fold.perfect for fold in folds], "_", color=ACCENT, markersize=18, label="perfect ranking")
    axes.set_xticks(range(len(folds)), [f"{len(folds) - number}" for number in range(len(folds))])
    axes.set(xlabel="fold, the latest at the right", xlim=(-0.5, len(folds) - 0.5))
    axes.set_ylim(bottom=0)
    title = report.metric_labels.get(metric, metric)
    axes.set_title(f"{title[:1].upper()}{title[1:]}{' (SIMULATED)' if report.simulated else ''}", color=INK)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)  # it would hide intervals
