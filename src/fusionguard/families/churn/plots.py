"""The plots of a churn model's evaluation as PNG bytes, the same for the same report."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.plot_style import ACCENT, INK, MAIN, MUTED, STYLE, png
from fusionguard.evaluation.readings import AVERAGE_PRECISION, CALIBRATION_ERROR, ROC_AUC
from fusionguard.families.churn.bands import BandReading
from fusionguard.families.churn.fairness import FairnessReport, GapReading, GroupReading
from fusionguard.families.churn.group_tally import FALSE_POSITIVE_RATE, SELECTION_RATE, TRUE_POSITIVE_RATE
from fusionguard.families.churn.report import CHURN_MODEL, ChurnReport

_SPREAD = "#8fb0d6"
_ALLOWED = "#dcebe4"
_RATES = {
    SELECTION_RATE: "of customers",
    TRUE_POSITIVE_RATE: "of customers who left",
    FALSE_POSITIVE_RATE: "of customers who stayed",
}


def churn_plots(report: ChurnReport) -> dict[str, bytes]:
    """Return the plots ``lift``, ``calibration``, ``profit``, ``bands``, ``fairness`` and ``cross_validation`` as PNG bytes.

    Without groups there is no plot of fairness. Each says in its title where the data is simulated.
    """
    drawings: dict[str, Callable[[ChurnReport], Figure]] = {
        "lift": _lift,
        "calibration": _calibration,
        "profit": _profit,
        "bands": _bands,
        "fairness": _fairness,
        "cross_validation": _cross_validation,
    }
    if not report.fairness.groups:
        del drawings["fairness"]
    with matplotlib.rc_context(STYLE):
        return {name: png(draw(report)) for name, draw in drawings.items()}


def headed(title: str, *, simulated: bool, size: tuple[float, float] = (7.4, 4.6)) -> Figure:
    """Return an empty figure of ``size`` in inches, whose title says where the data is simulated."""
    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(wspace=0.05))
    text = f"{title} (SIMULATED data)" if simulated else title
    figure.suptitle(text, x=0.012, ha="left", fontsize=11, fontweight="bold")
    return figure


def draw_interval_dots(
    axes: Axes, readings: Sequence[Interval], *, color: str = MAIN, offset: float = 0.0, label: str | None = None
) -> None:
    """Draw a dot with its interval on each line from the top, ``offset`` below it; one without a value leaves its line empty."""
    shown = [(place + offset, each) for place, each in enumerate(readings)]
    drawn = [(place, each.value, *_bounds(each)) for place, each in shown if each.value is not None]
    axes.errorbar(
        [value for _, value, _, _ in drawn],
        [place for place, _, _, _ in drawn],
        xerr=[[value - low for _, value, low, _ in drawn], [high - value for _, value, _, high in drawn]],
        fmt="o",
        color=color,
        ecolor=_SPREAD if color == MAIN else color,
        elinewidth=1.8,
        markersize=5.5,
        label=label,
    )


def _lift(report: ChurnReport) -> Figure:
    figure = headed("Who is reached first: gain and lift on the test slice", simulated=report.simulated, size=(9.0, 4.4))
    gain, lift = figure.subplots(1, 2)
    share = [point.share_contacted for point in report.lift]
    gain.plot([0, *share], [0, *(point.gain for point in report.lift)], color=MAIN, linewidth=2.4, label=CHURN_MODEL)
    gain.plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1.2, label="customers in random order")
    reached = report.campaign.churners_reached.value
    if reached is not None and report.campaign.offers_per_1000 > 0:
        _mark(gain, report.campaign.offers_per_1000 / 1000, reached, "policy, which also weighs values")
    gain.set(xlim=(0, 1.01), ylim=(0, 1.03), ylabel="gain: share of leavers reached")
    gain.legend(loc="lower right")
    lift.plot(share, [point.lift for point in report.lift], color=MAIN, linewidth=2.4, marker="o", markersize=3.5)
    lift.axhline(1, color=MUTED, linestyle="--", linewidth=1.2)
    lift.set(xlim=(0, 1.01), ylim=(0, None), ylabel="lift: leavers, as a multiple of random order")
    for axes in (gain, lift):
        axes.set_xlabel("share of customers contacted, highest risk first")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    gain.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def _calibration(report: ChurnReport) -> Figure:
    figure = headed("Calibration: what was predicted, what happened", simulated=report.simulated, size=(7.4, 5.2))
    axes = figure.subplots()
    bins = report.reliability
    top = min(1.0, 1.08 * max(max(group.high, group.predicted) for group in bins))
    axes.plot([0, top], [0, top], color=MUTED, linewidth=1.2, linestyle="--", label="perfect calibration")
    error = report.metrics[CALIBRATION_ERROR]
    axes.errorbar(
        [group.predicted for group in bins],
        [group.observed for group in bins],
        yerr=[[group.observed - group.low for group in bins], [group.high - group.observed for group in bins]],
        fmt="o",
        color=MAIN,
        ecolor=_SPREAD,
        elinewidth=1.8,
        markersize=6,
        label=f"{len(bins)} bins of about {bins[0].rows:,} customers, calibration error {_interval(error, 4)}",
    )
    axes.set(
        xlim=(0, top),
        ylim=(0, top),
        xlabel="predicted probability of leaving",
        ylabel="observed share of leavers (95 % interval)",
    )
    axes.legend(loc="upper left")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def _profit(report: ChurnReport) -> Figure:
    figure = headed("What a campaign earns on the test slice", simulated=report.simulated)
    axes = figure.subplots()
    curve, policy = report.profit, report.policy
    axes.plot(
        [point.share_contacted for point in curve.points],
        [point.profit for point in curve.points],
        color=MAIN,
        linewidth=2.4,
        label="best offers first",
    )
    everybody = curve.points[-1].profit
    axes.plot([0, 1], [0, everybody], color=MUTED, linestyle="--", linewidth=1.2, label="random order")
    point = curve.policy_point
    _mark(axes, point.share_contacted, point.profit, f"policy, {_whole(report.campaign.profit_per_1000)}")
    axes.axhline(0, color=INK, linewidth=0.9)
    axes.set(
        xlim=(0, 1.01),
        xlabel=(
            "share of customers contacted, largest expected profit first\n"
            f"(a contact costs {policy.contact_cost:g}, an offer taken {policy.offer_cost:g};"
            f" {policy.acceptance:.0%} of leavers accept)"
        ),
        ylabel="profit per 1,000 customers",
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, columnspacing=1.2, handletextpad=0.6)
    return figure


def _bands(report: ChurnReport) -> Figure:
    figure = headed("Risk bands: churn observed on the test slice", simulated=report.simulated)
    axes = figure.subplots()
    places = range(len(report.bands))
    observed = [(place, band.churn_rate) for place, band in enumerate(report.bands) if band.churn_rate.value is not None]
    values = [rate.value or 0.0 for _, rate in observed]
    bounds = [_bounds(rate) for _, rate in observed]
    axes.bar([place for place, _ in observed], values, width=0.56, color=_SPREAD, label="observed share of leavers")
    axes.errorbar(
        [place for place, _ in observed],
        values,
        yerr=[
            [value - low for value, (low, _) in zip(values, bounds, strict=True)],
            [high - value for value, (_, high) in zip(values, bounds, strict=True)],
        ],
        fmt="none",
        ecolor=MAIN,
        elinewidth=1.8,
        capsize=4,
        label="its 95 % interval",
    )
    expected = [(place, band.mean_probability) for place, band in enumerate(report.bands) if band.mean_probability is not None]
    axes.plot(
        [place + 0.14 for place, _ in expected],
        [probability for _, probability in expected],
        "D",
        color=ACCENT,
        markersize=7,
        markeredgecolor="white",
        label="mean predicted probability",
    )
    axes.set_xticks(list(places), [_band_name(band) for band in report.bands])
    axes.set(xlim=(-0.6, len(report.bands) - 0.4), ylim=(0, 1), ylabel="share of customers who left")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(visible=False, axis="x")
    axes.legend(loc="upper left")
    return figure


def _fairness(report: ChurnReport) -> Figure:
    fairness = report.fairness
    attributes = list(dict.fromkeys(group.attribute for group in fairness.groups))
    members = {name: [group for group in fairness.groups if group.attribute == name] for name in attributes}
    height = max(3.2, 1.2 + 0.33 * len(fairness.groups) + 0.7 * len(attributes))
    figure = headed("Share of each group that gets an offer", simulated=report.simulated, size=(10.4, height))
    panels = figure.subplots(
        len(attributes),
        len(_RATES),
        sharex=True,
        squeeze=False,
        height_ratios=[len(members[name]) + 1.2 for name in attributes],
    )
    for row, attribute in zip(panels, attributes, strict=True):
        for axes, rate in zip(row, _RATES, strict=True):
            _fairness_panel(axes, fairness, members[attribute], rate)
            if axes is not row[0]:
                axes.set_yticklabels([])
        row[0].set_ylabel(attribute.replace("_", " "), fontweight="bold")
    for axes, whom in zip(panels[0], _RATES.values(), strict=True):
        axes.annotate(whom, (0, 1), (0, 24), xycoords="axes fraction", textcoords="offset points", fontweight="bold")
    panels[-1][1].set_xlabel(
        "share with an offer (95 % interval); green: as far above the lowest group as the gap may reach by its limit"
    )
    return figure


def _fairness_panel(axes: Axes, fairness: FairnessReport, groups: list[GroupReading], rate: str) -> None:
    gap = fairness.gap(groups[0].attribute, rate)
    if gap.limit is not None and gap.groups:
        lowest = next(getattr(group, rate).value for group in groups if group.group == gap.groups[-1])
        axes.axvspan(lowest, min(1.0, lowest + gap.limit), color=_ALLOWED, linewidth=0)
    draw_interval_dots(axes, [getattr(group, rate) for group in groups])
    axes.set_yticks(range(len(groups)), [f"{group.group} ({group.rows:,})" for group in groups])
    axes.set(xlim=(0, 1), ylim=(len(groups) - 0.4, -0.6))
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    broken = gap.verdict == "broken"
    axes.set_title(
        _gap_in_words(gap), fontsize=9, fontweight="bold" if broken else "normal", color=ACCENT if broken else INK, pad=6
    )


def _cross_validation(report: ChurnReport) -> Figure:
    comparison = report.cross_validation
    models = sorted(comparison.models, key=lambda name: -(comparison.models[name][AVERAGE_PRECISION].value or 0.0))
    title = f"Cross-validation: {comparison.repeats} times {comparison.folds} folds of {comparison.rows:,} customers"
    figure = headed(title, simulated=report.simulated, size=(9.0, 1.4 + 0.42 * len(models)))
    panels = figure.subplots(1, 2)
    names = {ROC_AUC: "ROC AUC", AVERAGE_PRECISION: "average precision"}
    for axes, (metric, name) in zip(panels, names.items(), strict=True):
        readings = [comparison.models[model][metric] for model in models]
        draw_interval_dots(axes, readings)
        chosen = [reading if model == comparison.chosen else Interval() for model, reading in zip(models, readings, strict=True)]
        draw_interval_dots(axes, chosen, color=ACCENT)
        axes.set_yticks(range(len(models)), [f"{model} (chosen)" if model == comparison.chosen else model for model in models])
        axes.set(ylim=(len(models) - 0.4, -0.6), xlabel=f"{name}, mean and 95 % interval")
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.grid(visible=False, axis="y")
    panels[1].set_yticklabels([])
    return figure


def _band_name(band: BandReading) -> str:
    edges = f"{band.lowest:.0%} and more" if band.below >= 1 else f"{band.lowest:.0%} to under {band.below:.0%}"
    return f"{band.band}\n{edges}\n{band.rows:,} customers"


def _gap_in_words(gap: GapReading) -> str:
    if gap.value.value is None:
        return "gap not read: too few customers"
    limit = "no limit" if gap.limit is None else f"limit {gap.limit:.2f}: {gap.verdict}"
    return f"gap {gap.value.value:.2f}, {limit}"


def _bounds(interval: Interval) -> tuple[float, float]:
    value = interval.value or 0.0
    return (value if interval.low is None else interval.low), (value if interval.high is None else interval.high)


def _mark(axes: Axes, x: float, y: float, text: str) -> None:
    axes.plot([x], [y], "o", color=ACCENT, markersize=8, markeredgecolor="white", zorder=4, label=text)


def _interval(interval: Interval, digits: int) -> str:
    return interval.text(digits).replace(" to ", "–")


def _whole(interval: Interval) -> str:
    if interval.value is None or interval.low is None or interval.high is None:
        return "–" if interval.value is None else f"{interval.value:,.0f}"
    return f"{interval.value:,.0f} ({interval.low:,.0f}–{interval.high:,.0f})"
