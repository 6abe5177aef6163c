"""The pictures of a verdict's page, as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from fusionguard.evaluation.plot_style import ACCENT, INK, MAIN, MUTED, STYLE, png
from fusionguard.evaluation.scored import Floats
from fusionguard.monitoring.drift import DriftReport
from fusionguard.monitoring.history import VerdictRecord
from fusionguard.monitoring.thresholds import MonitoringThresholds

STATE_COLORS = {"healthy": "#3a8f5c", "watch": "#d9a021", "act": ACCENT, "not judged": MUTED}
_MOST_COLUMNS = 20
_MOST_RUNS = 60
_LONGEST = 40
_AROUND_ONE_DAYS = 0.5


def drift_chart(drift: DriftReport, limits: MonitoringThresholds, *, simulated: bool) -> bytes:
    """Draw the PSI of each feature beside the limits, the largest first."""
    found = sorted((f for f in drift.columns if f.kind in ("psi", "categories")), key=lambda f: -f.effect)[:_MOST_COLUMNS]
    with matplotlib.rc_context(STYLE):
        figure = _figure(
            "How far each feature has moved: PSI against the reference", simulated, max(2.2, 0.9 + 0.24 * len(found))
        )
        axes = figure.add_subplot()
        colors = {"none": MAIN, "watch": STATE_COLORS["watch"], "act": ACCENT}
        axes.barh(range(len(found)), [f.effect for f in found], color=[colors[f.level] for f in found], height=0.7)
        axes.set_yticks(range(len(found)), [_short(f.title) for f in found])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        for limit, name in ((limits.psi_watch, "watch"), (limits.psi_act, "act")):
            axes.axvline(limit, color=STATE_COLORS[name], linestyle="--", linewidth=1.2)
            axes.text(limit, -0.75, name, color=INK, fontsize=8, ha="center")
        axes.set_xlim(left=0, right=max(1.2 * limits.psi_act, *(1.05 * f.effect for f in found), 0.0))
        return png(figure)


def score_chart(window: Floats, reference: Floats, *, simulated: bool) -> bytes:
    """Draw the distributions of the probability, (n,) now and (m,) in the reference, on a scale of log-odds."""
    with matplotlib.rc_context(STYLE):
        figure = _figure("Calibrated probabilities, in the window and in the reference", simulated, 2.9)
        axes = figure.add_subplot()
        edges = np.linspace(-14, 8, 67)
        for values, color, name, style in ((reference, MUTED, "reference", "stepfilled"), (window, MAIN, "window", "step")):
            odds = np.log(np.clip(values, 1e-7, 1 - 1e-7)) - np.log1p(-np.clip(values, 1e-7, 1 - 1e-7))
            share = np.full(values.size, 1 / max(values.size, 1))
            axes.hist(np.clip(odds, -14, 8), bins=list(edges), weights=share, histtype=style, color=color, label=name, alpha=0.85)  # type: ignore[arg-type]
        shown = [1e-5, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.99]
        axes.set_xticks([float(np.log(p / (1 - p))) for p in shown], [f"{p:g}" for p in shown])
        axes.set_yscale("log")
        axes.set_xlabel("calibrated probability")
        axes.set_ylabel("share of rows")
        axes.legend()
        return png(figure)


def history_chart(history: Sequence[VerdictRecord], limits: MonitoringThresholds, *, simulated: bool) -> bytes:
    """Draw the verdicts of the last runs: their states, the largest PSI, the change of the alert rate."""
    last = history[-_MOST_RUNS:]
    with matplotlib.rc_context(STYLE):
        figure = _figure(f"The last {len(last)} verdicts" if len(last) > 1 else "The first verdict", simulated, 3.6)
        axes, rates = figure.subplots(2, 1, sharex=True)
        times = date2num([record.at for record in last])
        for axis, values in (
            (axes, [record.largest_psi for record in last]),
            (rates, [record.alert_rate_change for record in last]),
        ):
            known = [  # what was not judged has no value, and a place on the line of time
                (time, value or 0.0, record.state)
                for time, value, record in zip(times, values, last, strict=True)
                if value is not None or record.state == "not judged"
            ]
            axis.plot([k[0] for k in known], [k[1] for k in known], color=MUTED, linewidth=1)
            axis.scatter([k[0] for k in known], [k[1] for k in known], c=[STATE_COLORS[k[2]] for k in known], zorder=3, s=36)
            axis.set_ylim(0, 1.25 * max(limits.psi_act, *(k[1] for k in known), 0.0))
        axes.axhline(limits.psi_act, color=ACCENT, linestyle="--", linewidth=1, zorder=1)
        axes.set_ylabel("largest PSI")
        rates.set_ylabel("alert rate,\nrelative change")
        if len(last) == 1:
            rates.set_xlim(times[0] - _AROUND_ONE_DAYS, times[0] + _AROUND_ONE_DAYS)
        locator = AutoDateLocator(minticks=3, maxticks=7)  # from 3 of a unit on: its steps never exceed 7 ticks then
        rates.xaxis.set_major_locator(locator)
        rates.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        for state, color in STATE_COLORS.items():
            axes.scatter([], [], c=color, label=state, s=36)
        figure.legend(*axes.get_legend_handles_labels(), ncols=4, loc="outside lower left", fontsize=8)
        return png(figure)


def _short(text: str) -> str:
    """Words that somebody chose may be long, and leave no room for bars."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _figure(title: str, simulated: bool, height: float) -> Figure:
    figure = Figure(figsize=(9.2, height), layout="constrained")
    figure.suptitle(f"{title} (SIMULATED data)" if simulated else title, x=0.012, ha="left", fontsize=11, fontweight="bold")
    return figure
