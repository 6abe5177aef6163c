"""The plots of an explanation (SHAP values) as PNG bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from fusionguard.evaluation.plot_style import MAIN, STYLE, png
from fusionguard.evaluation.scored import Floats

_SHOWN = 15


def shap_plots(
    contributions: Floats,
    values: Floats,
    names: Sequence[str],
    *,
    simulated: bool,
    categories: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict[str, bytes]:
    """Return the plots ``importance`` and ``summary`` as PNG bytes.

    Parameters
    ----------
    contributions
        (n, f) SHAP values in log-odds.
    values
        (n, f) what the features were.
    names
        The features' f names.
    simulated
        Whether the rows were made by the simulator; the titles then say so.
    categories
        By feature whose values are codes, what the codes stand for, from 0 on: colours from low to high tell nobody that.
    """
    note = " (SIMULATED data)" if simulated else ""
    with matplotlib.rc_context(STYLE):
        return {
            "importance": png(_importance(contributions, names, f"What moves the score most{note}")),
            "summary": _summary(contributions, values, _told(names, categories), f"How feature values move the score{note}"),
        }


def _told(names: Sequence[str], categories: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names, those of categories with their values in the order of the colours."""
    return [f"{name}\n({', '.join(categories[name])})" if name in categories else name for name in names]


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


def _summary(contributions: Floats, values: Floats, names: list[str], title: str) -> bytes:
    import shap
    from matplotlib import pyplot
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("fusionguard", ["#8fb8de", "#7a6fa8", "#c8553d"])
    explanation = shap.Explanation(values=contributions, data=values, feature_names=names)
    figure, axes = pyplot.subplots(figsize=(7.4, 6.4), layout="constrained")
    try:
        with _seeded_numpy():
            shap.plots.beeswarm(explanation, max_display=_SHOWN, color=colors, ax=axes, plot_size=None, show=False)
        axes.grid(visible=False, axis="y")
        axes.tick_params(labelsize=10)
        axes.set_xlabel("SHAP value: effect on the score, in log-odds", fontsize=10)
        axes.set_title(title)
        return png(figure)
    finally:
        pyplot.close(figure)


@contextmanager
def _seeded_numpy() -> Iterator[None]:
    """shap jitters its points with numpy's global generator: seed it, and leave it as it was."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)
