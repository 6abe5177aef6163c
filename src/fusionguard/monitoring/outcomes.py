"""A window's outcomes against the champion's evaluation: all, by label delay, in calibration and in fairness."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.scored import SECONDS_PER_DAY, Flags, Floats
from fusionguard.families.family import LABEL, OWNER, TIME
from fusionguard.families.of_bundle import family_of
from fusionguard.families.outcomes import Gap, MetricReader, OutcomeReading, logged_owners
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.monitoring.approval import approve, not_found
from fusionguard.monitoring.calibration import CalibrationLine, CalibrationReading, read_calibration
from fusionguard.monitoring.cases import cases
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.findings import Check, judge
from fusionguard.monitoring.miscoding import coded_features, miscoding_checks
from fusionguard.monitoring.performance import CohortReading, LabelCoverage, PerformanceReport
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.thresholds import MonitoringThresholds
from fusionguard.serving.prediction_log.schema import OBSERVED_AT

DELAY_EDGES_DAYS: tuple[float, ...] = (1.0, 7.0, 30.0)
"""Where cohorts of label delay begin; the first is open below, the last above."""

_MICROS_PER_DAY = SECONDS_PER_DAY * 1_000_000
_Z95 = 1.959964


@dataclass(frozen=True)
class LabelledRows:
    """Rows with an outcome.

    Parameters
    ----------
    table
        The log's columns; ``label`` has no gaps.
    delay_days
        (n,) float64, from the score to the label; infinite where a negative is presumed.
    coverage
        Of the window they come from.
    """

    table: pa.Table
    delay_days: Floats
    coverage: LabelCoverage


def read_outcomes(window: Table, model: ScoringModel, champion: Champion, config: MonitoringConfig) -> PerformanceReport:
    """Read the training metrics on the rows whose outcome is known, with intervals, and compare them with the test slice's.

    Metrics and limits are those of the settings that the model's bundle holds. What it does not say is not judged, and a remark
    says so. Features that outcomes show to be coded the wrong way round are a family of findings of their own.
    """
    family = family_of(model.bundle)
    outcomes, features = family.outcomes, family.features.model_features if coded_features(family) else ()
    columns = dict.fromkeys([TIME, LABEL, OBSERVED_AT, "probability", "score", *outcomes.columns, *features])
    owner = [OWNER] if OWNER in window.schema.names else []
    rows = labelled_rows(window.read([*columns, *owner]))
    reading = outcomes.read(rows.table, model, seed=config.seed)
    report = read_performance(
        rows,
        reading,
        champion.baseline(),
        judged=outcomes.judged,
        gaps=champion.gaps(),
        thresholds=config.thresholds,
        evaluated=champion.calibration(),
    )
    if not rows.table.num_rows:
        return report
    miscoded = judge(list(miscoding_checks(rows.table, model, config.thresholds, seed=config.seed)), config.thresholds.chance)
    codes = [each for each in approve(miscoded, config.approved) if each.level != "none"]
    unmet = not_found([each for each in config.approved if each.kind == "miscoded"], codes)
    remarks = (*report.remarks, *reading.unjudged, *unmet)
    return report.model_copy(update={"comparisons": (*codes, *report.comparisons), "remarks": remarks})


def labelled_rows(window: pa.Table) -> LabelledRows:
    """Pick the rows of a window whose outcome is known (:func:`~.window.known_label`).

    Parameters
    ----------
    window
        Rows of the prediction log with ``time``, ``label`` and ``label_observed_at``, which is null where a negative is presumed.

    Raises
    ------
    DataError
        A column is missing.
    """
    absent = [name for name in (TIME, LABEL, OBSERVED_AT) if name not in window.column_names]
    if absent:
        raise DataError(f"The window lacks the columns {', '.join(absent)}.", "Read it with its labels.")
    has_come, is_known = pc.is_valid(window[OBSERVED_AT]).to_numpy(), pc.is_valid(window[LABEL])
    scored, observed = (pc.fill_null(pc.cast(window[name], pa.int64()), 0).to_numpy() for name in (TIME, OBSERVED_AT))
    delay = np.where(has_come, np.maximum((observed - scored) / _MICROS_PER_DAY, 0.0), np.inf)
    table, delay_days = window.filter(is_known), delay[is_known.to_numpy()]
    coverage = LabelCoverage(
        rows=window.num_rows,
        labelled=table.num_rows,
        presumed_negative=int(np.isinf(delay_days).sum()),
        positives=int(table[LABEL].to_numpy().sum()),
        median_delay_days=float(np.median(delay[has_come])) if has_come.any() else None,
    )
    return LabelledRows(table, delay_days, coverage)


def read_performance(
    rows: LabelledRows,
    reading: OutcomeReading,
    baseline: Mapping[str, Interval],
    *,
    judged: Mapping[str, int],
    gaps: Sequence[Gap] = (),
    thresholds: MonitoringThresholds | None = None,
    evaluated: CalibrationLine | None = None,
) -> PerformanceReport:
    """Read the training metrics on labelled rows and hold them against the champion's evaluation.

    A metric asks to watch where it is worse by more than ``kpi_delta`` and chance does not explain that, and to act where the
    whole 95 % interval of the difference is. The interval joins those of both readings, which share no rows (Zou and Donner,
    "Construction of confidence limits about effect measures", Statistics in Medicine 27, 2008: MOVER).

    Where the log says whose rows are, an interval draws owners and not rows, and positive rows of one owner are one case.

    Parameters
    ----------
    rows
        From :func:`labelled_rows`.
    reading
        What the family reads of them.
    baseline
        The champion's metrics on its test slice, as its evaluation report holds them.
    judged
        The metrics that are judged, with the sign of what is better.
    gaps
        Between groups, in the champion's evaluation.
    evaluated
        What that showed of the probabilities.
    """
    limits = thresholds or MonitoringThresholds()
    coverage, label = rows.coverage, rows.table[LABEL].to_numpy().astype(np.int8)
    if not label.size:
        return PerformanceReport(
            coverage=coverage,
            metrics={},
            baseline=dict(baseline),
            deltas={},
            cohorts=(),
            calibration=None,
            fairness=None,
            comparisons=(),
            remarks=("no labels have arrived",),
        )
    metrics = dict(reading.metrics(np.ones(label.size, dtype=np.bool_)))
    deltas = {name: metric_delta(metrics[name], before) for name, before in baseline.items() if name in metrics}
    owner = logged_owners(rows.table)
    calibration = read_calibration(label, rows.table["probability"].to_numpy(), limits, owner=owner, evaluated=evaluated)
    positives, hit = int(label.sum()), cases(label, owner)
    enough = min(hit, label.size - positives) >= limits.minimum_positives
    whose = "" if owner is None else f", of {hit} owners"
    few = f"{positives} of {label.size} labelled rows are positive{whose}: too few of one class to judge metrics"
    checks = [
        *(_metric_checks(judged, metrics, baseline, deltas, limits) if enough else ()),
        *_calibration_check(calibration),
        *_gap_checks(reading.gaps, gaps, limits),
    ]
    return PerformanceReport(
        coverage=coverage,
        metrics=metrics,
        baseline=dict(baseline),
        deltas=deltas,
        cohorts=tuple(_cohorts(rows.delay_days, label, reading.metrics)),
        calibration=calibration,
        fairness=reading.fairness,
        comparisons=judge(checks, limits.chance),
        remarks=() if enough else (few,),
    )


def metric_delta(now: Interval, before: Interval) -> Interval:
    """Return ``now - before`` with the interval that MOVER makes of both, or the reason why there is none."""
    if now.value is None or before.value is None:
        return Interval(reason=now.reason or before.reason)
    delta = now.value - before.value
    if now.low is None or now.high is None or before.low is None or before.high is None:
        return Interval(value=delta)
    return Interval(
        value=delta,
        low=delta - math.hypot(now.value - now.low, before.high - before.value),
        high=delta + math.hypot(now.high - now.value, before.value - before.low),
    )


def delay_cohorts(delay_days: Floats, edges_days: Sequence[float] = DELAY_EDGES_DAYS) -> list[tuple[str, Flags]]:
    """Return the cohorts of label delay that have rows: each one's name and its flags (n,); presumed negatives come last."""
    edges = [-math.inf, *edges_days, math.inf]
    found = []
    for low, high in pairwise(edges):
        name = f"within {high:g} days" if math.isinf(low) else f"after {low:g} days"
        name = name if math.isinf(low) or math.isinf(high) else f"{low:g} to {high:g} days"
        found.append((name, (delay_days >= low) & (delay_days < high)))
    found.append(("no label, taken as negative", np.isinf(delay_days)))
    return [(name, inside) for name, inside in found if inside.any()]


def _cohorts(delay_days: Floats, label: np.ndarray, read: MetricReader) -> Iterator[CohortReading]:
    for name, inside in delay_cohorts(delay_days):
        positives = int(label[inside].sum())
        # Rows of one class have no metrics that rank: their counts say all there is.
        metrics = dict(read(inside)) if 0 < positives < int(inside.sum()) else {}
        yield CohortReading(name=name, rows=int(inside.sum()), positives=positives, metrics=metrics)


def _metric_checks(
    judged: Mapping[str, int],
    metrics: Mapping[str, Interval],
    baseline: Mapping[str, Interval],
    deltas: Mapping[str, Interval],
    limits: MonitoringThresholds,
) -> Iterator[Check]:
    from scipy.special import ndtr

    for name, better in judged.items():
        delta = deltas.get(name)
        if delta is None or delta.value is None or delta.low is None or delta.high is None:
            continue
        worse = -better * delta.value
        least = -delta.high if better > 0 else delta.low
        half = max(worse - least, 1e-12)
        yield Check(
            kind="metric",
            subject=name,
            effect=worse,
            watch=limits.kpi_delta,
            # To act, the whole interval must lie beyond the limit.
            act=limits.kpi_delta + half,
            chance=float(ndtr(-worse / (half / _Z95))),
            sentence=f"{name} is {metrics[name].text()}, {baseline[name].text()} when the model was evaluated",
            low=delta.low,
            high=delta.high,
        )


def _calibration_check(reading: CalibrationReading) -> Iterator[Check]:
    found = reading.finding
    if found is not None:
        yield Check(found.kind, found.subject, found.effect, found.watch, found.act, found.chance, found.sentence)


def _gap_checks(now: Sequence[Gap], before: Sequence[Gap], limits: MonitoringThresholds) -> Iterator[Check]:
    """A gap's value is biased upwards by noise, more in small windows; the middle of its interval is not, and is compared."""
    from scipy.special import ndtr

    known = {(gap.attribute, gap.metric): gap for gap in before}
    for gap in now:
        other = known.get((gap.attribute, gap.metric))
        middle, error = _middle(gap)
        other_middle, other_error = _middle(other) if other is not None else (math.nan, math.nan)
        if math.isnan(middle) or math.isnan(other_middle) or other is None:
            continue
        yield Check(
            kind="fairness",
            subject=f"{gap.metric} by {gap.attribute}",
            effect=middle - other_middle,
            watch=limits.kpi_delta,
            # A gap that has grown asks to act where it also breaks the limit that the gate keeps.
            act=limits.kpi_delta if gap.broken and not other.broken else 1.0,
            chance=float(ndtr(-(middle - other_middle) / max(math.hypot(error, other_error), 1e-12))),
            sentence=(
                f"by {gap.attribute.replace('_', ' ')}, the gap of the {gap.name} is {gap.value.text()}, "
                f"{other.value.text()} when the model was evaluated"
            ),
            low=gap.value.low,
            high=gap.value.high,
        )


def _middle(gap: Gap) -> tuple[float, float]:
    if gap.value.value is None or gap.value.low is None or gap.value.high is None:
        return math.nan, math.nan
    return (gap.value.low + gap.value.high) / 2, (gap.value.high - gap.value.low) / (2 * _Z95)
