"""Ties: of candidates read on the same folds, a simpler one stays until another is better than the folds can explain."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.stats import t as student

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.scored import Floats


class Choice(BaseModel):
    """Which candidate is used, and how far the best one is above it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chosen: str
    best: str
    """The candidate with the highest mean; ``chosen`` itself where no simpler one ties with it."""
    gain: Interval
    """Mean of ``best - chosen`` over the folds with its 95 % interval; 0 to 0 where they are the same."""


def simplest_of_ties(readings: Mapping[str, Floats], folds: int) -> Choice:
    """Choose the simplest candidate that the best one does not beat beyond a tie.

    It is a tie where the 95 % interval of the mean paired difference (:func:`mean_interval`) holds 0, and where a single fold
    leaves no interval. Equal means are a tie, so the simplest of them is called the best.

    Parameters
    ----------
    readings
        By candidate, the simplest first, what it reached on each fold (k,), the same folds in the same order; higher is better.
    folds
        How many folds a repeat has.
    """
    best = max(readings, key=lambda name: float(readings[name].mean()))
    for name, values in readings.items():
        gain = mean_interval(readings[best] - values, folds)
        if name == best or not beats(gain):
            return Choice(chosen=name, best=best, gain=gain)
    raise ValueError("there is no candidate to choose from")


def beats(gain: Interval) -> bool:
    """Whether the whole interval of a gain lies above 0; a gain without an interval does not tell."""
    return gain.low is not None and gain.low > 0


def mean_interval(values: Floats, folds: int) -> Interval:
    """Return the mean of fold readings (k,) with a 95 % interval.

    Folds share most of the rows they were fitted on, so their spread says too little. The variance of the mean is
    ``(1 / k + test / train) * variance`` after Nadeau and Bengio, *Machine Learning* 52 (2003), 239-281, with
    ``test / train = 1 / (folds - 1)``, and a t quantile of k - 1 degrees of freedom.
    """
    count = values.size
    mean = float(values.mean())
    if count < 2:
        return Interval(value=mean)
    half = float(student.ppf(0.975, count - 1)) * corrected_error(values, folds)
    return Interval(value=mean, low=mean - half, high=mean + half)


def corrected_error(values: Floats, folds: int) -> float:
    """Return the standard error of the mean of fold readings (k,), k at least 2, as :func:`mean_interval` has it."""
    return float(np.sqrt((1 / values.size + 1 / (folds - 1)) * values.var(ddof=1)))
