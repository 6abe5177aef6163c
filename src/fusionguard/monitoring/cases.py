"""Rows of one owner, such as one card, are alike: how much less they say of outcomes than as many rows of others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusionguard.evaluation.scored import Floats, Integers


@dataclass(frozen=True)
class Clustering:
    """By how many times the variance and the third moment of a sum are those of independent rows; both 1 at least."""

    variance: float = 1.0
    third: float = 1.0


def cases(label: NDArray[np.int8], owner: Integers | None) -> int:
    """Return how many owners have a positive row: of one, positive rows are one case."""
    positive = label == 1
    return int(positive.sum()) if owner is None else int(np.unique(owner[positive]).size)


def clustering(residual: Floats, owner: Integers | None) -> Clustering:
    """Return what owners do to the sum of residuals (n,): the design effect (Kish, *Survey Sampling*, 1965, section 5.4).

    Between owners sums are independent, so that the variance is that of sums of owners (Liang and Zeger, "Longitudinal data
    analysis using generalized linear models", Biometrika 73, 1986), and likewise the third moment.
    """
    if owner is None or not residual.any():
        return Clustering()
    sums = np.bincount(np.unique(owner, return_inverse=True)[1], weights=residual)
    variance = float(np.sum(sums**2) / np.sum(residual**2))
    return Clustering(max(1.0, variance), max(1.0, float(np.sum(np.abs(sums) ** 3) / np.sum(np.abs(residual) ** 3))))


def sum_chance(
    label: NDArray[np.int8], probability: Floats, weight: Floats, owner: Integers | None = None, *, unsure: float = 0.0
) -> float:
    """Return the two-sided p-value of the sum of ``weight * (label - probability)``, (n,) each, its skewness allowed for.

    Of rare positives it is skewed, which Edgeworth's first term corrects (Hall, *The Bootstrap and Edgeworth Expansion*, 1992,
    section 2.3). ``unsure`` is the variance of the sum for not knowing the probabilities better.
    """
    from scipy.special import ndtr

    spread, residual = probability * (1 - probability), weight * (label - probability)
    alike = clustering(residual, owner)
    variance = float(np.sum(weight**2 * spread)) * alike.variance + unsure
    if variance <= 0:
        return 1.0
    z = float(np.sum(residual)) / math.sqrt(variance)
    skewness = float(np.sum(weight**3 * spread * (1 - 2 * probability))) * alike.third / variance**1.5
    correction = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * skewness / 6 * (z**2 - 1)
    return float(np.clip(2 * min(float(ndtr(-z)) + correction, float(ndtr(z)) - correction), 0.0, 1.0))
