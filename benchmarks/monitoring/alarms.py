"""How often windows raise an alarm: those without drift, and those of each drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from benchmarks.monitoring.judging import Judge, true_roc_auc
from benchmarks.monitoring.results import Alarms, EstimateError
from benchmarks.monitoring.windows import make_window
from fusionguard.monitoring.traffic import Drift, usual_size

WINDOW_ROWS = {"fraud": 20_000, "churn": 2_000}
QUIET = (Drift.NONE, Drift.LABEL_DELAY)
"""Outcomes that come late are no drift: such windows must not alarm more often than others."""

BROKEN: dict[Drift, str] = {
    Drift.MISSING_FEATURE: "upstream data",
    Drift.FROZEN_FEATURE: "upstream data",
    Drift.SPIKE: "upstream data",
    Drift.SWAPPED_FEATURES: "upstream data",
    Drift.ROUNDED_FEATURE: "upstream data",
    Drift.CONSTANT_SHIFT: "upstream data",
    Drift.FACTOR: "upstream data",
    Drift.BURST: "burst",
    Drift.ABSENT_HOURS: "missing hours",
}
"""What broken systems do, and the cause that is right."""

REAL = (Drift.COVARIATE_SHIFT, Drift.OTHER_MIX, Drift.LARGER_AMOUNTS)
"""Real changes of the population, which must not be called broken."""

MEASURED_APART = (*[kind for kind in BROKEN if kind is not Drift.MISSING_FEATURE], Drift.OTHER_MIX, Drift.LARGER_AMOUNTS)
"""What :func:`measure_broken` measures."""

_FIRST_SEED = 1_000


def measure_alarms(judge: Judge, *, calm: int, drifted: int) -> tuple[list[Alarms], list[EstimateError]]:
    """Judge ``calm`` windows without drift and ``drifted`` of each kind; none shares a seed with the training."""
    alarms, errors = [], []
    for kind in [each for each in Drift if each not in MEASURED_APART]:
        windows = calm if kind is Drift.NONE else drifted
        found, error = _of_kind(judge, kind, windows)
        alarms.append(found)
        errors += [error] if error is not None else []
    return alarms, errors


def _of_kind(judge: Judge, kind: Drift, windows: int) -> tuple[Alarms, EstimateError | None]:
    name = judge.champion.bundle.manifest.model
    size = usual_size(name, kind)
    states: list[str] = []
    causes: Counter[str] = Counter()
    distances: list[float] = []
    inside: list[bool] = []
    widths: list[float] = []
    for number in range(windows):
        rows = make_window(
            judge.model, rows=WINDOW_ROWS[name], drift=kind, size=size, seed=_FIRST_SEED * (1 + list(Drift).index(kind)) + number
        )
        verdict, estimate = judge.of_rows(rows)
        states.append(verdict.state)
        if verdict.state in ("watch", "act"):
            causes[verdict.cause] += 1
        expected = estimate.metrics["roc_auc"]
        if estimate.trust != "no" and kind is not Drift.LABEL_DELAY and expected.value is not None:
            truth = true_roc_auc(rows)
            distances.append(abs(expected.value - truth))
            assert expected.low is not None and expected.high is not None
            inside.append(expected.low <= truth <= expected.high)
            widths.append(expected.high - expected.low)
    alarms = Alarms(
        model=name,
        drift=kind.value,
        size=size,
        rows=WINDOW_ROWS[name],
        windows=windows,
        alarms=sum(state in ("watch", "act") for state in states),
        act=states.count("act"),
        causes=dict(causes),
    )
    if kind is Drift.LABEL_DELAY:
        return alarms, None
    mean, width = (float(np.mean(values)) if values else 0.0 for values in (distances, widths))
    error = EstimateError(model=name, drift=kind.value, trusted=len(inside), inside=sum(inside), width=width, mean_error=mean)
    return alarms, error


def measure_broken(judge: Judge, kind: Drift, windows: int) -> Alarms:
    """Judge windows of one kind by their rows alone."""
    name = judge.champion.bundle.manifest.model
    size, first = usual_size(name, kind), _FIRST_SEED * (1 + list(Drift).index(kind))
    verdicts = []
    for number in range(windows):
        rows = make_window(judge.model, rows=WINDOW_ROWS[name], drift=kind, size=size, seed=first + number)
        verdicts.append(judge.of_rows_alone(rows))
    alarms = [verdict for verdict in verdicts if verdict.state in ("watch", "act")]
    return Alarms(
        model=name,
        drift=kind.value,
        size=size,
        rows=WINDOW_ROWS[name],
        windows=windows,
        alarms=len(alarms),
        act=sum(verdict.state == "act" for verdict in alarms),
        causes=dict(Counter(verdict.cause for verdict in alarms)),
        actions=dict(Counter(verdict.action for verdict in alarms)),
    )


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, Journal of the American Statistical Association 22, 1927)."""
    z, share = 1.959964, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * np.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def pooled(alarms: Sequence[Alarms], model: str) -> tuple[int, int]:
    """Return alarms and windows of a model's undrifted windows."""
    quiet = [each for each in alarms if each.model == model and each.drift in [kind.value for kind in QUIET]]
    return sum(each.alarms for each in quiet), sum(each.windows for each in quiet)
