"""Do as many rows turn out positive as the model expects? Calibration on rows whose labels have arrived."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.scored import Floats
from fusionguard.monitoring.findings import Check, Finding, judge
from fusionguard.monitoring.recalibration import CalibrationLine, fit_intercept, fit_labels, fit_slope
from fusionguard.monitoring.thresholds import MonitoringThresholds
from fusionguard.proportions import wilson_interval

_Z95 = 1.959964


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


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
    label: NDArray[np.int8], probability: Floats, thresholds: MonitoringThresholds | None = None, *, bins: int = 10
) -> CalibrationReading:
    """Compare outcomes with probabilities.

    Two tests share the chance of a finding, and the smaller p-value counts, doubled. Spiegelhalter's z (Statistics in Medicine 5,
    1986, 421-433) is ``sum((y - p) * (1 - 2p)) / sqrt(sum((1 - 2p)^2 * p * (1 - p)))``, standard normal for calibrated p; it
    sees errors of spread as well as of level. Calibration in the large compares the sum of outcomes with that of probabilities,
    whose variance is ``sum(p * (1 - p))``. Of rare positives both are skewed, which Edgeworth's first term corrects in the
    finding's p-value (Hall, *The Bootstrap and Edgeworth Expansion*, 1992, section 2.3). The effect is the relative distance of
    observed from expected positives or, where that is larger, the root mean square of that distance over the bins, less what
    sampling gives.

    Parameters
    ----------
    label, probability
        (n,) each, of rows whose outcome is known.
    bins
        How many groups of equal expected positives to show; fewer where there are few.
    """
    limits = thresholds or MonitoringThresholds()
    positives, expected = int(label.sum()), float(probability.sum())
    variance = float(np.sum(probability * (1 - probability)))
    z, chance = _spiegelhalter(label, probability)
    intercept, error = fit_intercept(label, probability)
    slope, line = fit_slope(label, probability), fit_labels(label, probability)
    parts = _bins(label, probability, bins)
    return CalibrationReading(
        rows=label.size,
        positives=positives,
        expected=expected,
        ratio=_ratio(positives, expected, variance),
        spiegelhalter_z=z,
        spiegelhalter_chance=chance,
        intercept=intercept,
        intercept_error=error,
        line=line,
        slope=slope,
        bins=parts,
        finding=_finding(label, probability, parts, limits),
    )


def _finding(
    label: NDArray[np.int8], probability: Floats, parts: tuple[CalibrationBin, ...], limits: MonitoringThresholds
) -> Finding | None:
    positives, expected = int(label.sum()), float(probability.sum())
    if max(positives, expected) < limits.minimum_positives:
        return None
    ones = np.ones_like(probability)
    chances = [_skewed_chance(label, probability, weight) for weight in (ones, 1 - 2 * probability)]
    level = max(positives, 0.5) / max(expected, 0.5)
    effect = max(max(level, 1 / level) - 1, _bin_effect(parts))
    off = sum(not part.agrees for part in parts)
    text = f"{positives} rows turned out positive where {expected:.0f} were expected; {off} of {len(parts)} bins disagree"
    check = Check(
        kind="calibration",
        subject="probability",
        effect=effect,
        watch=limits.calibration_watch,
        act=limits.calibration_act,
        chance=min(1.0, 2 * min(chances)),
        sentence=text,
    )
    return judge([check], limits.chance)[0]


def _skewed_chance(label: NDArray[np.int8], probability: Floats, weight: Floats) -> float:
    """Return the two-sided p-value of the sum of ``weight * (label - probability)``, its skewness allowed for."""
    from scipy.special import ndtr

    spread = probability * (1 - probability)
    variance = float(np.sum(weight**2 * spread))
    if variance <= 0:
        return 1.0
    z = float(np.sum(weight * (label - probability))) / math.sqrt(variance)
    skewness = float(np.sum(weight**3 * spread * (1 - 2 * probability))) / variance**1.5
    density = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    correction = density * skewness / 6 * (z**2 - 1)
    return float(np.clip(2 * min(float(ndtr(-z)) + correction, float(ndtr(z)) - correction), 0.0, 1.0))


def _bin_effect(parts: tuple[CalibrationBin, ...]) -> float:
    """The root mean square relative distance over bins, weighted by expected positives, without that of sampling."""
    expected = np.array([part.expected for part in parts])
    observed = np.array([part.positives for part in parts])
    rate = np.array([part.expected_rate for part in parts])
    squared = np.sum(((observed - expected) ** 2 - expected * (1 - rate)) / np.maximum(expected, 0.5)) / max(expected.sum(), 0.5)
    return math.sqrt(max(float(squared), 0.0))


def _spiegelhalter(label: NDArray[np.int8], probability: Floats) -> tuple[float | None, float | None]:
    variance = float(np.sum((1 - 2 * probability) ** 2 * probability * (1 - probability)))
    if variance <= 0:
        return None, None
    from scipy.special import erfc

    z = float(np.sum((label - probability) * (1 - 2 * probability))) / math.sqrt(variance)
    return z, float(erfc(abs(z) / math.sqrt(2)))


def _ratio(positives: int, expected: float, variance: float) -> Interval:
    if expected <= 0:
        return Interval(reason="no positives are expected")
    half = _Z95 * math.sqrt(max(variance, 0.25)) / expected
    return Interval(value=positives / expected, low=max(0.0, positives / expected - half), high=positives / expected + half)


def _bins(label: NDArray[np.int8], probability: Floats, bins: int) -> tuple[CalibrationBin, ...]:
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
        low, high = wilson_interval(positives, rows)
        rate = Interval(value=positives / rows, low=low, high=high)
        found.append(CalibrationBin(rows=rows, positives=positives, expected=float(p[start:stop].sum()), observed_rate=rate))
    return tuple(found)
