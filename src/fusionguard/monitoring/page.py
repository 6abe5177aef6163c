"""The page of a verdict: one Markdown text that says what was found, how sure that is, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.monitoring.drift import DriftReport
from fusionguard.monitoring.estimate import PerformanceEstimate
from fusionguard.monitoring.findings import Finding
from fusionguard.monitoring.multivariate import ClassifierTest
from fusionguard.monitoring.performance import PerformanceReport
from fusionguard.monitoring.thresholds import MonitoringThresholds
from fusionguard.monitoring.verdict import Verdict
from fusionguard.monitoring.window import WindowFacts

STATES = {
    "healthy": "Nothing that was checked has changed beyond its limit.",
    "watch": "Something has changed by more than chance explains; it need not be acted upon yet.",
    "act": "Something has changed so much that somebody should act.",
    "not judged": "The window holds too little to be judged.",
}
_MOST_ROWS = 12


def verdict_page(
    verdict: Verdict,
    facts: WindowFacts,
    drift: DriftReport,
    classifier: ClassifierTest,
    outcomes: PerformanceReport,
    estimate: PerformanceEstimate | None,
    limits: MonitoringThresholds,
    images: Sequence[str],
) -> str:
    """Return the page's Markdown; ``images`` are paths of pictures, in the order in which they are shown."""
    lines = [
        *_head(verdict, facts),
        *_findings(verdict),
        *_drift(drift, classifier, limits),
        *(f"![{_name(i)}]({i})" for i in images),
    ]
    lines += [*_outcomes(outcomes, estimate, limits), *_remarks(verdict, facts), *_reading()]
    return "\n".join(lines) + "\n"


def _head(verdict: Verdict, facts: WindowFacts) -> Iterator[str]:
    yield f"# {facts.model} monitoring: {verdict.state}"
    yield ""
    if facts.is_simulated:
        yield "**SIMULATED DATA: this page shows how monitoring works, and says nothing about real customers.**"
        yield ""
    yield STATES[verdict.state]
    yield ""
    yield "| | |"
    yield "|---|---|"
    window = f"{_time(facts.first)} to {_time(facts.last)}" if facts.first else "no rows"
    yield f"| window | {window}: {facts.rows:,} rows, {facts.labelled:,} with an outcome |"
    yield f"| model | {facts.model} {facts.model_version} |"
    yield f"| likely cause | {verdict.cause} |"
    yield f"| advice | **{verdict.action}** |"
    if verdict.since is not None:
        yield f"| since | {_time(verdict.since)} |"
    if verdict.features:
        yield f"| features | {', '.join(verdict.features)} |"
    if verdict.segments:
        yield f"| segments | {', '.join(verdict.segments)} |"
    if verdict.sureness is not None:
        yield f"| sureness | {100 * verdict.sureness:.4g} % of windows without drift show less than this |"
    yield ""
    yield from (f"- {reason}" for reason in verdict.reasons)
    yield ""


def _findings(verdict: Verdict) -> Iterator[str]:
    if not verdict.findings:
        return
    yield "## Findings"
    yield ""
    yield from _table(verdict.findings)
    yield ""


def _drift(drift: DriftReport, classifier: ClassifierTest, limits: MonitoringThresholds) -> Iterator[str]:
    yield "## Drift of the rows"
    yield ""
    if drift.columns or drift.scores:
        yield f"Compared with {drift.reference_rows:,} rows of the model's training. Of all comparisons, the largest:"
        yield ""
        yield from _table([*drift.scores, *drift.columns][:_MOST_ROWS])
    else:
        yield "No comparison could be made."
    yield ""
    if classifier.auc.value is not None:
        drivers = ", ".join(f"{driver.column} ({100 * driver.share:.0f} %)" for driver in classifier.drivers[:5])
        yield (
            f"A classifier that tries to tell {classifier.rows:,} rows of the window from {classifier.reference_rows:,} of the "
            f"training reaches a ROC AUC of {classifier.auc.text()} (0.5: nothing tells them apart; watched from "
            f"{limits.classifier_watch:g}). It goes by: {drivers or 'nothing'}."
        )
        yield ""


def _outcomes(outcomes: PerformanceReport, estimate: PerformanceEstimate | None, limits: MonitoringThresholds) -> Iterator[str]:
    yield "## How well it does"
    yield ""
    coverage = outcomes.coverage
    yield f"{coverage.labelled:,} of {coverage.rows:,} rows have an outcome, {coverage.positives:,} of them positive."
    yield ""
    if outcomes.metrics:
        yield "| metric | window | when evaluated | difference |"
        yield "|---|---|---|---|"
        for name, read in outcomes.metrics.items():
            before, delta = outcomes.baseline.get(name, Interval()), outcomes.deltas.get(name, Interval())
            yield f"| {name.replace('_', ' ')} | {read.text()} | {before.text()} | {delta.text()} |"
        yield ""
        yield f"A difference counts beyond {100 * limits.kpi_delta:g} percentage points and what chance explains."
        yield ""
    if len(outcomes.cohorts) > 1:
        yield "| outcome known | rows | positives | average precision |"
        yield "|---|---|---|---|"
        for cohort in outcomes.cohorts:
            read = cohort.metrics.get("average_precision", Interval())
            yield f"| {cohort.name} | {cohort.rows:,} | {cohort.positives:,} | {read.text()} |"
        yield ""
    if estimate is not None:
        yield f"Without labels (CBPE), {estimate.sentence()}. To be trusted: {estimate.trust}."
        yield ""


def _remarks(verdict: Verdict, facts: WindowFacts) -> Iterator[str]:
    remarks = [*facts.remarks(), *verdict.remarks]
    if remarks:
        yield "## What to know about these figures"
        yield ""
        yield from (f"- {remark}" for remark in remarks)
        yield ""


def _reading() -> Iterator[str]:
    yield "How to read this page, the formulas and their sources: docs/monitoring.md."


def _table(findings: Sequence[Finding]) -> Iterator[str]:
    yield "| level | what | effect | watch from | act from | p (corrected) | since |"
    yield "|---|---|---|---|---|---|---|"
    for finding in findings:
        where = f" in {finding.segment}" if finding.segment else ""
        since = _time(finding.since) if finding.since else ""
        yield (
            f"| {finding.level if finding.level != 'none' else ''} | {finding.sentence}{where} | {finding.effect:.3g} | "
            f"{finding.watch:.3g} | {finding.act:.3g} | {finding.chance:.2g} | {since} |"
        )


def _time(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "–"


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0].replace("_", " ")
