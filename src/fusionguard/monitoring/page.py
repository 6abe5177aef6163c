"""The page of a verdict: one Markdown text that says what was found, how sure that is, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.monitoring.drift import DriftReport
from fusionguard.monitoring.estimate import PerformanceEstimate
from fusionguard.monitoring.findings import Finding, graver
from fusionguard.monitoring.multivariate import ClassifierTest
from fusionguard.monitoring.performance import PerformanceReport
from fusionguard.monitoring.recomputed import WHY, RecomputedFeatures
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
_MOST_NAMES = 8


def verdict_page(
    verdict: Verdict,
    facts: WindowFacts,
    drift: DriftReport,
    classifier: ClassifierTest,
    outcomes: PerformanceReport,
    estimate: PerformanceEstimate | None,
    limits: MonitoringThresholds,
    images: Sequence[str],
    metric_labels: Mapping[str, str],
    digits_of: Callable[[str], int],
    recomputed: RecomputedFeatures | None = None,
) -> str:
    """Return the page's Markdown.

    Parameters
    ----------
    images
        Paths of pictures, in the order in which they are shown.
    metric_labels, digits_of
        What the metrics are called, and with how many decimals they are printed.
    recomputed
        What the history makes of logged features; None where none was given.
    """
    lines = [
        *_head(verdict, facts),
        *_findings(verdict),
        *_segments(verdict),
        *_recomputed(recomputed),
        *_drift(drift, classifier, limits, images),
        *_outcomes(outcomes, estimate, limits, metric_labels, digits_of),
        *_remarks(verdict, facts),
        *_reading(),
    ]
    return "\n".join(lines) + "\n"


def _head(verdict: Verdict, facts: WindowFacts) -> Iterator[str]:
    yield f"# {facts.model} monitoring: {verdict.state}"
    yield ""
    if facts.is_simulated:
        yield "**SIMULATED DATA: this page shows how monitoring works, and says nothing about real customers.**"
        yield ""
    yield STATES[verdict.state]
    yield ""
    yield "| what | found |"
    yield "|---|---|"
    window = f"{_time(facts.first)} to {_time(facts.last)}" if facts.first else "no rows"
    yield f"| window | {window}: {facts.rows:,} rows, {facts.labelled:,} with an outcome |"
    yield f"| model | {facts.model} {facts.model_version} |"
    yield f"| likely cause | {verdict.cause} |"
    yield f"| advice | **{verdict.action}** |"
    if verdict.since is not None:
        yield f"| since | {_time(verdict.since)} |"
    if verdict.features:
        yield f"| features | {_some(verdict.features)} |"
    if verdict.segments:
        yield f"| segments | {_some(verdict.segments)} |"
    if verdict.approved:
        yield f"| approved | {_some(verdict.approved)} |"
    if verdict.sureness is not None:
        yield f"| sureness | {_sureness(verdict.sureness)} of windows without drift show less than this |"
    yield ""
    yield from (f"- {reason}" for reason in verdict.reasons)
    yield ""


def _findings(verdict: Verdict) -> Iterator[str]:
    whole = [finding for finding in verdict.findings if not finding.segment]
    if not whole:
        return
    yield "## Findings"
    yield ""
    yield "| level | what | effect | watch from | act from | chance | since |"
    yield "|---|---|---:|---:|---:|---:|---|"
    for finding in whole[:_MOST_ROWS]:
        since = _time(finding.since) if finding.since else ""
        yield (
            f"| {finding.level} | {finding.sentence} | {finding.effect:.3g} | {finding.watch:.3g} | {finding.act:.3g} | "
            f"{_chance(finding.chance)} | {since} |"
        )
    yield ""
    if len(whole) > _MOST_ROWS:
        yield f"And {len(whole) - _MOST_ROWS} more, all of them in the run's artifact `verdict`."
        yield ""


def _segments(verdict: Verdict) -> Iterator[str]:
    """Tell of each segment the gravest finding that is more, or graver, than what was found in all rows."""
    everywhere = {(finding.kind, finding.subject): finding.level for finding in verdict.findings if not finding.segment}
    parts: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        if finding.segment and graver(finding.level, everywhere.get((finding.kind, finding.subject), "none")):
            parts.setdefault(finding.segment, []).append(finding)
    if not parts:
        return
    yield "## In segments, beyond what was found in all rows"
    yield ""
    yield "| segment | level | the gravest | findings |"
    yield "|---|---|---|---:|"
    for name, found in list(parts.items())[:_MOST_ROWS]:
        yield f"| {name} | {found[0].level} | {found[0].sentence} | {len(found)} |"
    yield ""


def _recomputed(recomputed: RecomputedFeatures | None) -> Iterator[str]:
    if recomputed is None:
        return
    yield "## What happened before, recomputed"
    yield ""
    yield f"| rows of the window, against {recomputed.history} | rows |"
    yield "|---|---:|"
    yield f"| recomputed, the same in every feature | {recomputed.compared - recomputed.differing:,} |"
    yield f"| recomputed, other in some feature | {recomputed.differing:,} |"
    for reason, count in recomputed.incomparable.items():
        yield f"| not compared: they {WHY[reason]} | {count:,} |"
    yield ""


def _drift(drift: DriftReport, classifier: ClassifierTest, limits: MonitoringThresholds, images: Sequence[str]) -> Iterator[str]:
    yield "## The rows"
    yield ""
    if drift.columns or drift.scores:
        yield f"Compared with {drift.reference_rows:,} rows of the model's training."
    else:
        yield "No comparison could be made."
    yield ""
    if classifier.auc.value is not None:
        drivers = ", ".join(f"{driver.title} ({100 * driver.share:.0f} %)" for driver in classifier.drivers[:5])
        yield (
            f"A classifier that tries to tell {classifier.rows:,} rows of the window from {classifier.reference_rows:,} of the "
            f"training reaches a ROC AUC of {classifier.auc.text()} (0.5: nothing tells them apart; watched from "
            f"{limits.classifier_watch:g}). It goes by: {drivers or 'nothing'}."
        )
        yield ""
    for image in images:
        yield f"![{_name(image)}]({image})"
        yield ""


def _outcomes(
    outcomes: PerformanceReport,
    estimate: PerformanceEstimate | None,
    limits: MonitoringThresholds,
    metric_labels: Mapping[str, str],
    digits_of: Callable[[str], int],
) -> Iterator[str]:
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
            digits = digits_of(name)
            shown = " | ".join(interval.text(digits) for interval in (read, before, delta))
            yield f"| {metric_labels.get(name, name)} | {shown} |"
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


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _sureness(share: float) -> str:
    return "more than 99.99 %" if share > 0.9999 else f"{100 * share:.4g} %"


def _chance(chance: float) -> str:
    return "under 0.0001" if chance < 1e-4 else f"{chance:.2g}"


def _time(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "–"


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0].replace("_", " ")
