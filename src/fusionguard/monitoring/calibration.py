"""Do as many rows turn out positive as the model expects? What outcomes show of its probabilities, and how surely."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.scored import Floats, Integers
from fusionguard.monitoring.cases import cases, clustering, sum_chance
from fusionguard.monitoring.findings import Check, Finding, judge
from fusionguard.monitoring.thresholds import MonitoringThresholds
from fusionguard.proportions import wilson_interval

_Z95 = 1.959964
_PRIOR_SPREAD = (2.0, 0.5)
"""Of a line's intercept and slope around 0 and 1: wide, for they are to be learned; it holds where the classes are separated."""

_OFF = 5.991465
"""The 95 % quantile of chi-squared with two degrees of freedom."""

_STEPS, _CLOSE, _CLOSER = 50, 1e-9, 1e-10
_SINGULAR, _FARTHEST, _LEAST_INFORMATION = 1e12, 1e-12, 1e-10


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CalibrationLine(_Part):
    """``log-odds = intercept + slope * log-odds of the probability``: what outcomes have shown of a model's probabilities."""

    intercept: float
    slope: float
    covariance: tuple[float, float, float]
    """Of intercept with itself, of intercept with slope, of slope with itself."""
    positives: float
    """How many it rests on."""
    source: str
    """Where the outcomes are from, for a sentence."""

    def apply(self, probability: Floats) -> Floats:
        """Return probabilities (n,) moved along the line."""
        return _sigmoid(self.intercept + self.slope * _logit(probability))

    @property
    def is_off(self) -> bool:
        """Whether the outcomes show, at 5 % error, that the probabilities are not what they say: Wald's test of 0 and 1."""
        off = np.array([self.intercept, self.slope - 1])
        within, across, slope = self.covariance
        return float(off @ np.linalg.solve([[within, across], [across, slope]], off)) > _OFF

    def less_sure(self, times: float) -> CalibrationLine:
        """Return the line with a covariance so many times as large."""
        within, across, slope = (times * each for each in self.covariance)
        return self.model_copy(update={"covariance": (within, across, slope)})

    def variance_of(self, probability: Floats, weight: Floats) -> float:
        """Return the variance, for the line's error, of the sum of ``weight`` times moved probabilities, (n,) each."""
        moved = self.apply(probability)
        slope = weight * moved * (1 - moved)
        within, across, own = self.covariance
        along, turned = float(slope.sum()), float((slope * _logit(probability)).sum())
        return along**2 * within + 2 * along * turned * across + turned**2 * own

    def draws(self, generator: np.random.Generator, samples: int) -> Iterator[CalibrationLine]:
        """Yield lines that agree with the outcomes as well as this one, as often as they do."""
        within, across, slope = self.covariance
        drawn = generator.multivariate_normal([self.intercept, self.slope], [[within, across], [across, slope]], samples)
        for intercept, slope_drawn in drawn:
            yield self.model_copy(update={"intercept": float(intercept), "slope": float(slope_drawn)})


class CalibrationBin(_Part):
    """Rows of neighbouring probability."""

    rows: int
    positives: int
    expected: float
    """The sum of their probabilities."""
    observed_rate: Interval
    """Share of positives with Wilson's 95 % interval."""

    @property
    def expected_rate(self) -> float:
        """The mean probability."""
        return self.expected / self.rows

    @property
    def agrees(self) -> bool:
        """Whether the expected rate lies inside the interval of the observed one."""
        low, high = self.observed_rate.low, self.observed_rate.high
        return low is None or high is None or low <= self.expected_rate <= high


class CalibrationReading(_Part):
    """Observed against expected positives, over all rows and by bins."""

    rows: int
    positives: int
    expected: float
    ratio: Interval
    """Observed over expected positives with a 95 % interval; 1 is calibrated in the large."""
    spiegelhalter_z: float | None
    spiegelhalter_chance: float | None
    """Two-sided p-value of ``spiegelhalter_z``."""
    intercept: float | None
    """By how much the log-odds would have to rise for observed and expected positives to agree."""
    intercept_error: float | None
    """Its standard error."""
    line: CalibrationLine | None
    """What outcomes show of the probabilities; None of one class alone."""
    slope: Interval
    """Of outcomes on log-odds: below 1 where probabilities are too extreme, above where they are too timid."""
    bins: tuple[CalibrationBin, ...]
    finding: Finding | None
    """None where there are too few positives to judge."""


def read_calibration(
    label: NDArray[np.int8],
    probability: Floats,
    thresholds: MonitoringThresholds | None = None,
    *,
    bins: int = 10,
    owner: Integers | None = None,
    evaluated: CalibrationLine | None = None,
) -> CalibrationReading:
    """Compare outcomes with probabilities.

    Two tests share the chance of a finding, and the smaller p-value counts, doubled. Spiegelhalter's z (Statistics in Medicine 5,
    1986, 421-433) is ``sum((y - p) * (1 - 2p)) / sqrt(sum((1 - 2p)^2 * p * (1 - p)))``, standard normal for calibrated p; it
    sees errors of spread as well as of level. Calibration in the large compares the sum of outcomes with that of probabilities,
    whose variance is ``sum(p * (1 - p))``. The finding's p-value allows for the skewness of both (:func:`~.cases.sum_chance`).
    The effect is the relative distance of observed from expected positives or, where that is larger, the root mean square of
    that distance over the bins, less what sampling gives. Where owners of rows are known, all variances but that of
    Spiegelhalter's z, which is shown as it is defined, are as many times larger as those of sums of owners are than of rows.

    Parameters
    ----------
    label, probability
        (n,) each, of rows whose outcome is known.
    bins
        How many groups of equal expected positives to show; fewer where there are few.
    owner
        (n,) the number of whose a row is; without it, each row is one of its own.
    evaluated
        What the model's evaluation showed of its probabilities, in rows as alike. Where it showed that they are off
        (:attr:`CalibrationLine.is_off`), there is no finding if chance explains that outcomes differ from that, its error
        counted in, and the effect is the smaller of the distances from both. None where that is not known.
    """
    limits = thresholds or MonitoringThresholds()
    positives, expected = int(label.sum()), float(probability.sum())
    has_both = 0 < positives < label.size
    z, chance = _spiegelhalter(label, probability)
    alike = clustering(label - probability, owner).variance
    intercept, error = _intercept(label, probability) if has_both else (None, None)
    parts = _bins(label, probability, bins, alike)
    line = fit_line(label.astype(np.float64), np.ones(label.size), probability, source="the last labels") if has_both else None
    return CalibrationReading(
        rows=label.size,
        positives=positives,
        expected=expected,
        ratio=_ratio(positives, probability, alike),
        spiegelhalter_z=z,
        spiegelhalter_chance=chance,
        intercept=intercept,
        intercept_error=None if error is None else error * math.sqrt(alike),
        line=None if line is None else line.less_sure(alike),
        slope=_slope(label, probability, alike) if has_both else Interval(reason="one class only"),
        bins=parts,
        finding=_finding(label, probability, bins, limits, owner, evaluated),
    )


def _finding(
    label: NDArray[np.int8],
    probability: Floats,
    bins: int,
    limits: MonitoringThresholds,
    owner: Integers | None,
    evaluated: CalibrationLine | None,
) -> Finding | None:
    positives, expected = int(label.sum()), float(probability.sum())
    a_positive = cases(label, owner) / positives if positives else 1.0  # so many cases is a positive row, expected ones alike
    if max(positives, expected) * a_positive < limits.minimum_positives:
        return None
    weights = np.ones_like(probability), 1 - 2 * probability
    alike = clustering(label - probability, owner).variance
    chance = min(sum_chance(label, probability, weight, owner) for weight in weights)
    effect, told = _distance(label, probability, bins, alike), f"{expected:.0f} were expected"
    line = None if evaluated is None else evaluated.less_sure(alike)
    if line is not None and line.is_off:
        moved = line.apply(probability)
        unsure = (line.variance_of(probability, weight) for weight in weights)
        both = zip(weights, unsure, strict=True)
        chance = max(chance, min(sum_chance(label, moved, weight, owner, unsure=each) for weight, each in both))
        effect = min(effect, _distance(label, moved, bins, alike))
        told += f", or {moved.sum():.0f} by what the model's evaluation showed"
    parts = _bins(label, probability, bins, alike)
    off = sum(not part.agrees for part in parts)
    text = f"{positives} rows turned out positive where {told}; {off} of {len(parts)} bins disagree"
    check = Check(
        kind="calibration",
        subject="probability",
        effect=effect,
        watch=limits.calibration_watch,
        act=limits.calibration_act,
        chance=min(1.0, 2 * chance),
        sentence=text,
    )
    return judge([check], limits.chance)[0]


def _distance(label: NDArray[np.int8], probability: Floats, bins: int, alike: float) -> float:
    """Return the effect: how far observed positives are from expected ones, over all rows or over bins, whichever is more."""
    level = max(int(label.sum()), 0.5) / max(float(probability.sum()), 0.5)
    return max(max(level, 1 / level) - 1, _bin_effect(_bins(label, probability, bins, alike), alike))


def _bin_effect(parts: tuple[CalibrationBin, ...], alike: float) -> float:
    """The root mean square relative distance over bins, weighted by expected positives, without that of sampling."""
    expected = np.array([part.expected for part in parts])
    observed = np.array([part.positives for part in parts])
    rate = np.array([part.expected_rate for part in parts])
    sampling = alike * expected * (1 - rate)
    squared = np.sum(((observed - expected) ** 2 - sampling) / np.maximum(expected, 0.5)) / max(expected.sum(), 0.5)
    return math.sqrt(max(float(squared), 0.0))


def _spiegelhalter(label: NDArray[np.int8], probability: Floats) -> tuple[float | None, float | None]:
    variance = float(np.sum((1 - 2 * probability) ** 2 * probability * (1 - probability)))
    if variance <= 0:
        return None, None
    from scipy.special import erfc

    z = float(np.sum((label - probability) * (1 - 2 * probability))) / math.sqrt(variance)
    return z, float(erfc(abs(z) / math.sqrt(2)))


def _ratio(positives: int, probability: Floats, alike: float) -> Interval:
    expected = float(probability.sum())
    if expected <= 0:
        return Interval(reason="no positives are expected")
    half = _Z95 * math.sqrt(alike * max(float(np.sum(probability * (1 - probability))), 0.25)) / expected
    return Interval(value=positives / expected, low=max(0.0, positives / expected - half), high=positives / expected + half)


def _bins(label: NDArray[np.int8], probability: Floats, bins: int, alike: float) -> tuple[CalibrationBin, ...]:
    """Cut the rows, by rising probability, where equal parts of the expected positives are reached; ties stay together."""
    if not label.size:
        return ()
    order = np.argsort(probability, kind="stable")
    p, y = probability[order], label[order]
    reached = np.cumsum(p)
    wanted = np.arange(1, bins) / bins * reached[-1]
    borders = np.searchsorted(p, p[np.minimum(np.searchsorted(reached, wanted), p.size - 1)], side="left")
    starts = np.unique(np.concatenate([[0], borders]))
    found = []
    for start, stop in zip(starts, [*starts[1:], p.size], strict=True):
        rows, positives = int(stop - start), int(y[start:stop].sum())
        low, high = wilson_interval(positives / alike, rows / alike)
        rate = Interval(value=positives / rows, low=low, high=high)
        found.append(CalibrationBin(rows=rows, positives=positives, expected=float(p[start:stop].sum()), observed_rate=rate))
    return tuple(found)


def fit_line(positives: Floats, rows: Floats, probability: Floats, *, source: str) -> CalibrationLine:
    """Fit the line to groups of rows: Cox's recalibration (Biometrika 45, 1958), at the maximum a posteriori.

    The prior is normal around intercept 0 and slope 1, the probabilities as they are; the covariance is the inverse of the
    curvature there (Laplace's approximation).

    Parameters
    ----------
    positives, rows, probability
        (g,) how many of a group's rows are positive, how many it has (1 each for single rows), and their probability.
    source
        Where they are from.
    """
    beta, curvature = _newton(positives, rows, probability, np.diag(1 / np.square(_PRIOR_SPREAD)), _CLOSE)
    covariance = np.linalg.inv(curvature)
    return CalibrationLine(
        intercept=float(beta[0]),
        slope=float(beta[1]),
        covariance=(float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])),
        positives=float(positives.sum()),
        source=source,
    )


def _intercept(label: NDArray[np.int8], probability: Floats) -> tuple[float, float]:
    """Fit ``logit(p) + a`` to outcomes (n,) of both classes by Newton's method; return a and its standard error."""
    z, shift = _logit(probability), 0.0
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(z + shift)))
        information = max(float(np.sum(p * (1 - p))), _LEAST_INFORMATION)
        step = float(np.sum(label - p)) / information
        shift += float(np.clip(step, -2, 2))
        if abs(step) < _CLOSER:
            break
    return shift, 1 / math.sqrt(information)


def _slope(label: NDArray[np.int8], probability: Floats, alike: float) -> Interval:
    """Fit ``a + b * logit(p)`` to outcomes (n,) of both classes (Cox, Biometrika 45, 1958); b with Wald's 95 % interval."""
    try:
        beta, information = _newton(label, np.ones(label.size), probability, np.zeros((2, 2)), _CLOSER)
    except np.linalg.LinAlgError:
        return Interval(reason="all probabilities are alike, or separate the classes")
    half = _Z95 * math.sqrt(alike * float(np.linalg.inv(information)[1, 1]))
    return Interval(value=float(beta[1]), low=float(beta[1] - half), high=float(beta[1] + half))


def _newton(
    positives: Floats | NDArray[np.int8], rows: Floats, probability: Floats, prior: Floats, close: float
) -> tuple[Floats, Floats]:
    """Return a line's intercept and slope (2,), and the curvature (2, 2) there; ``prior`` (2, 2) is that around 0 and 1.

    Raises :class:`numpy.linalg.LinAlgError` where the curvature is singular.
    """
    x = np.column_stack([np.ones_like(probability, dtype=np.float64), _logit(probability)])
    centre = beta = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        p = _sigmoid(x @ beta)
        curvature = (x * (rows * p * (1 - p))[:, None]).T @ x + prior
        if np.linalg.cond(curvature) > _SINGULAR:
            raise np.linalg.LinAlgError("the curvature is singular")
        step = np.linalg.solve(curvature, x.T @ (positives - rows * p) - prior @ (beta - centre))
        beta = beta + np.clip(step, -1, 1)
        if float(np.abs(step).max()) < close:
            break
    return beta, curvature


def _logit(probability: Floats) -> Floats:
    """Return ln(p / (1 - p)); probabilities of 0 and 1 count as nearly so."""
    p = np.clip(probability, _FARTHEST, 1 - _FARTHEST)
    return np.asarray(np.log(p / (1 - p)), dtype=np.float64)


def _sigmoid(logit: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -35, 35))), dtype=np.float64)
