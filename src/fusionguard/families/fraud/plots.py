"""The plots of an evaluation as PNG bytes, the same for the same report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.plot_style import ACCENT, INK, MAIN, MUTED, STYLE, png
from fusionguard.evaluation.readings import AVERAGE_PRECISION, CALIBRATION_ERROR
from fusionguard.families.fraud.readings import SAVINGS
from fusionguard.families.fraud.report import FRAUD_MODEL, EvaluationReport

_REFERENCE_LOOKS = ((MUTED, "--"), ("#5fa8a0", "-."), ("#b39a5b", ":"))


def evaluation_plots(report: EvaluationReport) -> dict[str, bytes]:
    """Return the plots ``precision_recall``, ``calibration``, ``threshold`` and ``cost`` as PNG bytes.

    Each says in its title where the data is simulated.
    """
    drawings: dict[str, Callable[[EvaluationReport], Figure]] = {
        "precision_recall": _precision_recall,
        "calibration": _calibration,
        "threshold": _threshold,
        "cost": _cost,
    }
    with matplotlib.rc_context(STYLE):
        return {name: png(draw(report)) for name, draw in drawings.items()}


def _precision_recall(report: EvaluationReport) -> Figure:
    figure, axes = _figure("Precision and recall on the test window", report)
    for model, look in _looks(report).items():
        curve = report.curves.precision_recall[model]
        recall, precision = (0.0, *curve.recall), (curve.precision[0], *curve.precision)
        label = f"{model}, AP {_interval(report.readings()[model][AVERAGE_PRECISION])}"
        axes.plot(recall, precision, label=label, drawstyle="steps-pre", **look)
    point = report.operating_point
    if point.precision.value is not None and point.recall.value is not None:
        _mark(axes, point.recall.value, point.precision.value, "decision policy, which also weighs amounts")
    axes.set(
        xlim=(0, 1.01), ylim=(0, 1.03), xlabel="recall: share of frauds found", ylabel="precision: share of alerts that are fraud"
    )
    axes.legend(loc="lower left")
    return figure


def _calibration(report: EvaluationReport) -> Figure:
    figure = Figure(figsize=(7.4, 6.0), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    bins = report.curves.reliability
    floor = 10.0 ** report.curves.histogram.edges_log10[0]
    _title(above, "Calibration: what was predicted, what happened", report)
    above.plot([floor, 1], [floor, 1], color=MUTED, linewidth=1.2, linestyle="--", label="perfect calibration")
    observed = [max(group.observed, floor) for group in bins]
    spread = (
        [value - max(group.low, floor) for value, group in zip(observed, bins, strict=True)],
        [group.high - value for value, group in zip(observed, bins, strict=True)],
    )
    label = f"{FRAUD_MODEL}, calibration error {_interval(report.metrics[CALIBRATION_ERROR], 5)}"
    above.errorbar(
        [max(group.predicted, floor) for group in bins],
        observed,
        yerr=spread,
        fmt="o",
        color=MAIN,
        ecolor="#8fb0d6",
        elinewidth=1.6,
        markersize=6,
        label=label,
    )
    above.set(xscale="log", yscale="log", xlim=(floor, 1.15), ylim=(floor, 1.5), ylabel="observed share of fraud (95 % interval)")
    above.legend(loc="upper left")
    histogram = report.curves.histogram
    edges = [10.0**power for power in histogram.edges_log10]
    below.stairs(histogram.legitimate, edges, fill=True, color=MUTED, alpha=0.45, label="legitimate")
    below.stairs(histogram.fraud, edges, color=ACCENT, linewidth=1.8, label="fraud")
    below.set(xlabel="predicted probability of fraud", ylabel="share of class")
    below.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    below.legend(loc="upper center", ncols=2)
    for axes in (above, below):
        axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    above.yaxis.set_major_formatter(FuncFormatter(_plain))
    return figure


def _threshold(report: EvaluationReport) -> Figure:
    figure = Figure(figsize=(7.4, 5.4), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3, 2), sharex=True)
    curve = report.curves.threshold
    precision = [float("nan") if value is None else value for value in curve.precision]
    _title(above, "What a probability threshold gives", report)
    above.plot(curve.threshold, precision, color=MAIN, label="precision: share of alerts that are fraud")
    above.plot(curve.threshold, curve.recall, color=ACCENT, label="recall: share of frauds found")
    above.set(xscale="log", ylim=(0, 1.03))
    above.legend(loc="center left")
    alerts = [value if value > 0 else float("nan") for value in curve.alerts_per_day]
    below.plot(curve.threshold, alerts, color=INK)
    below.set(
        xscale="log",
        yscale="log",
        ylim=_log_limits(curve.alerts_per_day),
        xlabel="threshold on the probability of fraud",
        ylabel=_alerts(report),
    )
    below.xaxis.set_major_formatter(FuncFormatter(_plain))
    below.yaxis.set_major_formatter(FuncFormatter(_plain))
    return figure


def _cost(report: EvaluationReport) -> Figure:
    figure, axes = _figure("Savings against accepting everything", report)
    for model, look in _looks(report).items():
        curve = report.curves.cost[model]
        axes.plot(curve.alerts_per_day, curve.savings, label=model, **look)
    saved, point = report.metrics[SAVINGS].value, report.operating_point
    alerts = 1000 * point.alert_rate if point.alerts_per_day is None else point.alerts_per_day
    if saved is not None and alerts > 0:
        _mark(axes, alerts, saved, f"decision policy, saves {_percent(report.metrics[SAVINGS])}")
    axes.axhline(0, color=INK, linewidth=0.9)
    axes.set(
        xscale="log",
        xlim=_log_limits([count for curve in report.curves.cost.values() for count in curve.alerts_per_day]),
        ylim=(-0.5, 1.0),
        xlabel=f"{_alerts(report)}, those with the largest expected loss first (a review costs {report.policy.review_cost:g})",
        ylabel="share of the fraud loss saved",
    )
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="lower left")
    return figure


def _figure(title: str, report: EvaluationReport) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.4, 4.6), layout="constrained")
    axes = figure.subplots()
    _title(axes, title, report)
    return figure, axes


def _alerts(report: EvaluationReport) -> str:
    """Say what curves count alerts by; see :func:`~fusionguard.families.fraud.curves.alerts_of`."""
    return "alerts a day" if report.test.days is not None else "alerts in a thousand rows"


def _title(axes: Axes, title: str, report: EvaluationReport) -> None:
    axes.set_title(f"{title} (SIMULATED data)" if report.simulated else title)


def _looks(report: EvaluationReport) -> dict[str, dict[str, Any]]:
    """Return how each model's line is drawn: the fraud model stands out, the references stay behind it."""
    looks: dict[str, dict[str, Any]] = {FRAUD_MODEL: {"color": MAIN, "linewidth": 2.4, "zorder": 3}}
    for place, model in enumerate(report.references):
        color, line = _REFERENCE_LOOKS[place % len(_REFERENCE_LOOKS)]
        looks[model] = {"color": color, "linestyle": line, "linewidth": 1.5, "zorder": 2}
    return looks


def _log_limits(values: Iterable[float]) -> tuple[float, float]:
    """Return limits of a logarithmic axis around the values above 0; there need not be any."""
    positive = [value for value in values if value > 0] or [1.0]
    return min(positive) / 1.5, max(positive) * 1.5


def _mark(axes: Axes, x: float, y: float, text: str) -> None:
    axes.plot([x], [y], "o", color=ACCENT, markersize=8, markeredgecolor="white", zorder=4, label=text)


def _interval(interval: Interval, digits: int = 3) -> str:
    return interval.text(digits).replace(" to ", "–")


def _percent(interval: Interval) -> str:
    if interval.value is None:
        return "–"
    if interval.low is None or interval.high is None:
        return f"{interval.value:.0%}"
    return f"{interval.value:.0%} ({interval.low:.0%}–{interval.high:.0%})"


def _plain(value: float, _position: int) -> str:
    return f"{value:,.10f}".rstrip("0").rstrip(".") if value < 1 else f"{value:,.0f}"
