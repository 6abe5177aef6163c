"""The curves of an evaluation, thinned to what a plot can show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.scored import Flags, Floats, ScoredRows
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.proportions import wilson_interval

_POINTS = 300
_RELIABILITY_BINS = 10
_HISTOGRAM_EDGES = np.linspace(-5.0, 0.0, 26)
_THRESHOLDS = np.logspace(-4, 0, 97)


class _Curve(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PrecisionRecallCurve(_Curve):
    """Precision where each recall is reached; a step curve whose area is the average precision."""

    recall: tuple[float, ...]
    precision: tuple[float, ...]


class ReliabilityBin(_Curve):
    """Rows of similar probability: what was predicted and what was observed, at the real prior."""

    rows: int
    frauds: int
    predicted: float
    observed: float
    low: float
    """Lower end of the observed rate's 95 % interval (Wilson 1927, carried over to the weights)."""
    high: float


class ScoreHistogram(_Curve):
    """Where the probabilities of each class lie; shares add up to 1 in each class."""

    edges_log10: tuple[float, ...]
    """Borders of the bins as powers of ten; probabilities below the first border are in the first bin."""
    legitimate: tuple[float, ...]
    fraud: tuple[float, ...]


class ThresholdCurve(_Curve):
    """What alerting at a probability would give, whatever the amount."""

    threshold: tuple[float, ...]
    precision: tuple[float | None, ...]
    """Null where nothing reaches the threshold."""
    recall: tuple[float, ...]
    alerts_per_day: tuple[float, ...]
    """Without a time, as is said at :func:`alerts_of`."""


class CostCurve(_Curve):
    """Savings against accept-all when that many alerts a day are raised, those worth most first."""

    alerts_per_day: tuple[float, ...]
    """Without a time, as is said at :func:`alerts_of`."""
    savings: tuple[float, ...]


class Curves(_Curve):
    """All curves of one evaluation; those by model are keyed by the model's name."""

    precision_recall: dict[str, PrecisionRecallCurve]
    reliability: tuple[ReliabilityBin, ...]
    histogram: ScoreHistogram
    threshold: ThresholdCurve
    cost: dict[str, CostCurve]


def alerts_of(rows: ScoredRows, flagged: Floats) -> Floats:
    """Return how many alerts a day weights (k,) of flagged rows are; of rows without a time, how many in a thousand rows."""
    return flagged / rows.days if rows.days is not None else 1000 * flagged / float(rows.weight.sum())


def precision_recall_curve(rows: ScoredRows) -> PrecisionRecallCurve:
    """Trace precision over recall from the highest score down."""
    order = np.argsort(-rows.score, kind="stable")
    score, weight = rows.score[order], rows.weight[order]
    flagged, caught = np.cumsum(weight), np.cumsum(weight * rows.label[order])
    ends = np.append(np.flatnonzero(score[1:] != score[:-1]), rows.rows - 1)
    gained = np.diff(caught[ends], prepend=0.0) > 0
    ends = _thinned(ends[gained])
    return PrecisionRecallCurve(recall=_rounded(caught[ends] / caught[-1]), precision=_rounded(caught[ends] / flagged[ends]))


def reliability_bins(rows: ScoredRows) -> tuple[ReliabilityBin, ...]:
    """Cut the rows, by probability, into bins that are each expected to hold the same number of frauds.

    Bins of equal weight would nearly all lie where nothing happens; these resolve the range where decisions are made, and
    are still chosen without looking at the outcome.
    """
    order = np.argsort(-rows.probability, kind="stable")
    probability, weight, label = rows.probability[order], rows.weight[order], rows.label[order]
    new = np.concatenate(([True], probability[1:] != probability[:-1]))
    expected = np.cumsum(weight * probability)
    if expected[-1] <= 0:
        return ()
    before = np.concatenate(([0.0], expected[:-1]))[new][np.cumsum(new) - 1]
    number = np.minimum(before / expected[-1] * _RELIABILITY_BINS + 1e-9, _RELIABILITY_BINS - 1).astype(np.int64)
    return tuple(_reliability_bin(probability[chosen], weight[chosen], label[chosen]) for chosen in _groups(number))


def score_histogram(rows: ScoredRows) -> ScoreHistogram:
    """Count probabilities by class on a logarithmic scale."""
    power = np.log10(np.clip(rows.probability, 10 ** _HISTOGRAM_EDGES[0], 1.0))
    shares = []
    for fraud in (0, 1):
        chosen = rows.label == fraud
        counts, _ = np.histogram(power[chosen], bins=_HISTOGRAM_EDGES, weights=rows.weight[chosen])
        shares.append(_rounded(counts / max(float(counts.sum()), 1e-300)))
    return ScoreHistogram(edges_log10=_rounded(_HISTOGRAM_EDGES), legitimate=shares[0], fraud=shares[1])


def threshold_curve(rows: ScoredRows) -> ThresholdCurve:
    """Read precision, recall and alerts a day at a grid of probability thresholds."""
    order = np.argsort(rows.probability, kind="stable")
    weight = rows.weight[order]
    first = np.searchsorted(rows.probability[order], _THRESHOLDS, side="left")
    flagged = _sum_from(weight)[first]
    caught = _sum_from(weight * rows.label[order])[first]
    precision = [_round(hit / alerts) if alerts > 0 else None for hit, alerts in zip(caught, flagged, strict=True)]
    return ThresholdCurve(
        threshold=_rounded(_THRESHOLDS),
        precision=tuple(precision),
        recall=_rounded(caught / float(np.sum(weight * rows.label[order]))),
        alerts_per_day=_rounded(alerts_of(rows, flagged)),
    )


def cost_curve(rows: ScoredRows, policy: DecisionPolicy) -> CostCurve:
    """Trace savings over alerts a day, in the policy's order; empty where the frauds have no amount to lose."""
    at_stake = rows.weight * rows.label * rows.amount
    accept_all = float(at_stake.sum())
    if accept_all <= 0:
        return CostCurve(alerts_per_day=(), savings=())
    saving = policy.expected_saving(rows.probability, rows.amount)
    order = np.argsort(-saving, kind="stable")
    flagged = np.cumsum(rows.weight[order])
    saved = (np.cumsum(at_stake[order]) - policy.review_cost * flagged) / accept_all
    spaced = np.unique(np.searchsorted(flagged, np.geomspace(flagged[0], flagged[-1], _POINTS)).clip(max=rows.rows - 1))
    return CostCurve(alerts_per_day=_rounded(alerts_of(rows, flagged[spaced])), savings=_rounded(saved[spaced]))


def _reliability_bin(probability: Floats, weight: Floats, label: NDArray[np.int8]) -> ReliabilityBin:
    fraud_weight, total = float(np.sum(weight * label)), float(weight.sum())
    rows, frauds = int(label.size), int(np.count_nonzero(label))
    # Sampling legitimate rows multiplies the odds of fraud by a constant: the same carries the interval over to the weights.
    mean_legitimate = (total - fraud_weight) / (rows - frauds) if frauds < rows else 1.0
    mean_fraud = fraud_weight / frauds if frauds else 1.0
    low, high = (_reweighted(share, mean_fraud / mean_legitimate) for share in wilson_interval(frauds, rows))
    return ReliabilityBin(
        rows=rows,
        frauds=frauds,
        predicted=_round(float(np.sum(weight * probability)) / total),
        observed=_round(fraud_weight / total),
        low=_round(low),
        high=_round(high),
    )


def _reweighted(share: float, odds_ratio: float) -> float:
    return 1.0 if share >= 1 else share * odds_ratio / (share * odds_ratio + 1 - share)


def _groups(number: NDArray[np.int64]) -> list[Flags]:
    return [number == group for group in np.unique(number)]


def _sum_from(values: Floats) -> Floats:
    """Return (n + 1,) sums: entry i is the sum of the values from i on."""
    return np.append(np.cumsum(values[::-1])[::-1], 0.0)


def _thinned(positions: NDArray[np.int64]) -> NDArray[np.int64]:
    if positions.size <= _POINTS:
        return positions
    return positions[np.unique(np.linspace(0, positions.size - 1, _POINTS).round().astype(np.int64))]


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(_round(float(value)) for value in values)


def _round(value: float) -> float:
    """Six significant digits: more than a plot shows, and a report that stays small."""
    return float(f"{value:.6g}")
