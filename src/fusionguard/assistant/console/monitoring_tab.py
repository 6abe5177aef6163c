"""The tab *Monitoring*: verdicts over time, how far each feature has moved, and what other limits would have said."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from fusionguard.assistant.asked import AskedModel
from fusionguard.assistant.console.choices import choose_model
from fusionguard.assistant.console.html import badge, empty, pane, picture, shown, table, tiles, warning
from fusionguard.assistant.console.what_if import LIMITS, explain_what_if, read_limits
from fusionguard.errors import FusionGuardError
from fusionguard.home import Home
from fusionguard.monitoring.charts import drift_chart, history_chart
from fusionguard.monitoring.detail import VerdictDetail, read_detail
from fusionguard.monitoring.findings import Finding, Kind
from fusionguard.monitoring.history import VerdictRecord, history_file, read_history
from fusionguard.monitoring.keep import PLOTS
from fusionguard.monitoring.thresholds import MonitoringThresholds

_COMMAND = "python run.py --pipeline monitoring"
_MOST_RUNS = 50
_MOST_FEATURES = 31


class MonitoringTab:
    """The dashboard and what happens in it."""

    def __init__(self, home: Home, models: Sequence[AskedModel]) -> None:
        self._home, self._models = home, models

    def build(self, tab: gr.Tab) -> None:
        """Put the tab together; call it within the page's blocks."""
        with gr.Row():
            model = choose_model(self._models, "monitoring-model", scale=1, min_width=220)
            run = gr.Dropdown([], label="Run", elem_id="monitoring-run", scale=2, min_width=260, filterable=False)
        verdict = pane("", elem_id="verdict")
        timeline = pane("", elem_id="timeline")
        with gr.Accordion("What if the limits were others?", open=True, elem_id="what-if"):
            defaults = MonitoringThresholds()
            sliders = []
            with gr.Row():
                for limit in LIMITS:
                    sliders.append(
                        gr.Slider(
                            limit.low,
                            limit.high,
                            value=getattr(defaults, limit.name),
                            step=limit.step,
                            label=limit.label,
                            elem_id=f"limit-{limit.name}",
                            min_width=220,
                        )
                    )
            reset = gr.Button("Back to the limits of the run", size="sm", elem_id="limits-reset")
            told = pane("", elem_id="what-if-told")
        features = pane("", elem_id="features")
        outcomes = pane("", elem_id="outcomes")

        slow: dict[str, Any] = {"api_visibility": "private", "concurrency_id": "plots", "concurrency_limit": 1}
        view = [verdict, timeline, outcomes, *sliders]
        judged = [told, features]
        for chosen in (tab.select, model.change):
            chosen(self._runs, model, [run, timeline], show_progress="hidden", **slow).then(
                self._show, [model, run], view, show_progress="hidden", **slow
            ).then(self._judge, [model, run, *sliders], judged, show_progress="hidden", **slow)
        run.input(self._show, [model, run], view, show_progress="hidden", **slow).then(
            self._judge, [model, run, *sliders], judged, show_progress="hidden", **slow
        )
        for slider in sliders:
            slider.release(
                self._judge, [model, run, *sliders], judged, show_progress="hidden", trigger_mode="always_last", **slow
            )
        reset.click(self._show, [model, run], view, show_progress="hidden", **slow).then(
            self._judge, [model, run, *sliders], judged, show_progress="hidden", **slow
        )

    def _history(self, model: str) -> tuple[VerdictRecord, ...]:
        return read_history(history_file(self._home, model))

    def _runs(self, model: str) -> tuple[Any, Any]:
        """List the runs of a model, the last first."""
        try:
            history = self._history(model)
        except FusionGuardError as error:
            return gr.update(choices=[], value=None), shown(warning(str(error)))
        if not history:
            return gr.update(choices=[], value=None), shown(empty("No monitoring run yet", f"{_COMMAND} --set model={model}"))
        choices = [(f"{each.at:%Y-%m-%d %H:%M} UTC: {each.state}", each.run) for each in reversed(history[-_MOST_RUNS:])]
        return gr.update(choices=choices, value=choices[0][1]), gr.skip()

    def _show(self, model: str, run: str | None) -> tuple[Any, ...]:
        """Show a run's verdict, the timeline and the outcomes, and put the sliders to the run's own limits."""
        still = [gr.skip()] * len(LIMITS)
        if not run:
            return "", gr.skip(), "", *still
        try:
            history, detail = self._history(model), read_detail(self._home, model, run)
        except FusionGuardError as error:
            return shown(warning(str(error))), gr.skip(), "", *still
        record = next((each for each in history if each.run == run), None)
        if record is None:
            return shown(warning("This run is not in the history any more; choose another one.")), gr.skip(), "", *still
        limits = detail.limits if detail is not None else MonitoringThresholds()
        chart = history_chart(history, limits, simulated=any(each.simulated for each in history))
        alt = f"The last verdicts: their states, the largest PSI and the alert rate; the last is {history[-1].state}."
        values = [getattr(limits, limit.name) for limit in LIMITS]
        return shown(_verdict(record)), shown(picture(chart, alt)), shown(self._outcomes(model, run, detail)), *values

    def _judge(self, model: str, run: str | None, *values: float) -> tuple[str, str]:
        """Judge the run's readings, and those of every run that kept them, by the sliders' limits."""
        if not run:
            return "", ""
        try:
            detail = read_detail(self._home, model, run)
            if detail is None:
                return shown(empty("This run kept no numbers to judge again", f"{_COMMAND} --set model={model}")), ""
            limits = read_limits(detail.limits, values)
            kept = [read_detail(self._home, model, each.run) for each in self._history(model)[-_MOST_RUNS:]]
        except FusionGuardError as error:
            return shown(warning(str(error))), ""
        then = detail.with_limits(limits)
        text = explain_what_if(detail, then, [each for each in kept if each is not None])
        return shown(text), shown(_features(detail, then))

    def _outcomes(self, model: str, run: str, detail: VerdictDetail | None) -> str:
        parts = []
        scores = self._home.monitoring / model / run / PLOTS / "scores.png"
        if scores.is_file():
            parts.append('<h3 class="fg-h">Scores</h3>')
            parts.append(picture(scores.read_bytes(), "The distribution of the probability in the window and the reference."))
        if detail is not None and detail.metrics:
            labels = detail.metric_labels
            rows = [
                [
                    escape(labels.get(name, name.replace("_", " "))),
                    *(each[name].text() if name in each else "–" for each in (detail.metrics, detail.baseline, detail.deltas)),
                ]
                for name in detail.metrics
            ]
            parts.append('<h3 class="fg-h">How well it does, with 95 % intervals</h3>')
            heads = ("Metric", "In the window", "When evaluated", "Difference")
            parts.append(table(heads, rows, numbers=(1, 2, 3)))
        elif detail is not None:
            parts.append(
                '<p class="fg-muted">No outcomes are known in this window, so nothing is said about how well it does.</p>'
            )
        return "".join(parts)


def _verdict(record: VerdictRecord) -> str:
    span = f"{record.first:%Y-%m-%d} to {record.last:%Y-%m-%d}" if record.first and record.last else "no rows"
    since = f"since {record.since:%Y-%m-%d %H:%M} UTC" if record.since else ""
    change = "–" if record.alert_rate_change is None else f"{100 * record.alert_rate_change:.0f} %"
    said = "SIMULATED data: this shows how monitoring works, and says nothing about real customers."
    return (warning(said) if record.simulated else "") + tiles(
        [
            ("Verdict", badge(record.state), since),
            ("Likely cause", escape(record.cause), ""),
            ("Advice", escape(record.action), ""),
            ("Rows", f"{record.rows:,}", f"{record.labelled:,} with an outcome; {span}"),
            ("Largest PSI", "–" if record.largest_psi is None else f"{record.largest_psi:.2f}", "of all features"),
            ("Alert rate changed by", change, "relative to the reference"),
        ]
    )


def _features(detail: VerdictDetail, then: VerdictDetail) -> str:
    """Return the chart of PSI with the limits that were chosen, and the table of all features."""
    if not then.drift.columns:
        return '<p class="fg-muted">The window has too few rows to compare features.</p>'
    chart = drift_chart(then.drift, then.limits, simulated=detail.record.simulated)
    kept = {(each.kind, each.subject): each for each in detail.drift.columns}
    by_feature: dict[str, dict[Kind, Finding]] = {}
    for finding in then.drift.columns:
        by_feature.setdefault(finding.subject, {})[finding.kind] = finding
    rank = {"none": 0, "watch": 1, "act": 2}
    rows = []
    for name, found in by_feature.items():
        psi, ks = found.get("psi") or found.get("categories"), found.get("ks")
        now = max((each.level for each in found.values()), key=rank.__getitem__)
        before = max((kept[(kind, name)].level for kind in found), key=rank.__getitem__)
        change = badge(now) if now == before else f"{badge(before)} → {badge(now)}"
        effect = psi.effect if psi is not None else 0.0
        rows.append((effect, [escape(name), f"{effect:.3f}", "–" if ks is None else f"{ks.effect:.3f}", change]))
    rows.sort(key=lambda row: -row[0])
    listed = table(("Feature", "PSI", "KS", "Level"), [row for _, row in rows[:_MOST_FEATURES]], numbers=(1, 2))
    alt = f"PSI of each feature beside the limits {then.limits.psi_watch:g} and {then.limits.psi_act:g}."
    more = f'<details class="fg-more"><summary>PSI and KS of every feature</summary>{listed}</details>'
    return '<h3 class="fg-h">Features</h3>' + picture(chart, alt) + more
