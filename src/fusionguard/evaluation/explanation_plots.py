"""The plots of an explanation (SHAP values) as PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from fusionguard.evaluation.explanation import Explanation
from fusionguard.evaluation.plot_style import MAIN, STYLE, png
from fusionguard.evaluation.scored import Floats

_SHOWN = 15
_PARTS = 100
_VALUES_SHOWN = 8
_COLORS = LinearSegmentedColormap.from_list("fusionguard", ["#8fb8de", "#7a6fa8", "#c8553d"]).with_extremes(bad="#b8b8b8")


def shap_plots(explanation: Explanation, *, simulated: bool) -> dict[str, bytes]:
    """Return the plots ``importance`` and ``summary`` as PNG bytes.

    Parameters
    ----------
    explanation
        Of features whose values are codes, the plot says what the codes stand for, where they are few: colours from low to high
        tell nobody that. A missing value, NaN, is grey.
    simulated
        Whether the rows were made by the simulator; the titles then say so.
    """
    contributions, values, names = explanation.contributions, explanation.values, explanation.names
    told = _told(names, explanation.wording.categories)
    note = " (SIMULATED data)" if simulated else ""
    with matplotlib.rc_context(STYLE):
        return {
            "importance": png(_importance(contributions, names, f"What moves the score most{note}")),
            "summary": png(_summary(contributions, values, told, f"How feature values move the score{note}")),
        }


def _told(names: Sequence[str], categories: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names, those of categories with their values in the order of the colours."""
    few = {name: ", ".join(values) for name, values in categories.items() if len(values) <= _VALUES_SHOWN}
    return [f"{name}\n({few[name]})" if name in few else name for name in names]


def _importance(contributions: Floats, names: Sequence[str], title: str) -> Figure:
    mean = np.abs(contributions).mean(axis=0)
    order = np.argsort(-mean, kind="stable")[:_SHOWN][::-1]
    figure = Figure(figsize=(7.4, 0.28 * order.size + 1.2), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([names[place] for place in order], mean[order], color=MAIN, height=0.62)
    axes.bar_label(bars, fmt="%.2f", padding=4, fontsize=9)
    axes.set(xlabel="mean |SHAP value|, in log-odds", xlim=(0, float(mean.max()) * 1.12 or 1.0))
    axes.grid(visible=False, axis="y")
    axes.set_title(title)
    return figure


def _summary(contributions: Floats, values: Floats, names: list[str], title: str) -> Figure:
    """A beeswarm as the SHAP papers have it: a row a feature, a point a row of data, coloured by the feature's value."""
    order = np.argsort(-np.abs(contributions).mean(axis=0), kind="stable")[:_SHOWN][::-1]
    figure = Figure(figsize=(7.4, 6.4), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, color="#999999", linewidth=1, zorder=0)
    for row, place in enumerate(order):
        x, value = contributions[:, place], values[:, place]
        axes.scatter(
            x,
            row + _swarm(x),
            c=_shade(value),
            cmap=_COLORS,
            vmin=0,
            vmax=1,
            s=9,
            linewidths=0,
            rasterized=True,
            plotnonfinite=True,
        )
    axes.set_yticks(range(order.size), [names[place] for place in order])
    axes.set(xlabel="SHAP value: effect on the score, in log-odds", ylim=(-0.7, order.size - 0.3))
    axes.grid(visible=False, axis="y")
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), _COLORS), ax=axes, aspect=60, pad=0.01, ticks=[0, 1])
    bar.set_ticklabels(["low", "high"])
    bar.set_label("feature value", labelpad=-12)
    bar.outline.set_visible(False)
    axes.set_title(title)
    return figure


def _swarm(x: Floats) -> Floats:
    """Return how far from its row's middle each of n points is drawn, at most 0.4: near ones lie above and below each other."""
    low, high = float(x.min()), float(x.max())
    part = np.zeros(x.size, dtype=np.int64) if low == high else np.round((x - low) / (high - low) * _PARTS).astype(np.int64)
    order = np.argsort(part, kind="stable")
    first = np.searchsorted(part[order], part[order], side="left")
    rank = np.empty(x.size)
    rank[order] = np.arange(x.size) - first  # 0, 1, 2, ... within each part, then up, down, up, ... from the middle
    offset = np.ceil(rank / 2) * np.where(rank % 2 == 1, 1.0, -1.0)
    return np.asarray(0.4 * offset / max(float(np.abs(offset).max()), 10.0))


def _shade(value: Floats) -> Floats:
    """Return where each value lies from the 5th (0) to the 95th percentile (1), so that one outlier does not grey all others."""
    there = value[~np.isnan(value)]
    if not there.size:
        return value
    low, high = np.percentile(there, (5, 95))
    if low == high:
        low, high = float(there.min()), float(there.max())
    return np.where(np.isnan(value), value, 0.5) if low == high else np.clip((value - low) / (high - low), 0, 1)
