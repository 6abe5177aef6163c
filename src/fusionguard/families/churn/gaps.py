"""How sure the largest gap among groups is: intervals that allow for a largest of several readings being luck."""

from __future__ import annotations

import numpy as np

from fusionguard.evaluation.scored import Floats

CONFIDENCE = 0.95


def largest_difference(rates: Floats, spread: Floats) -> tuple[float, float]:
    """Return a 95 % interval of the largest difference between any two of the groups' rates.

    The largest of several noisy differences is above the largest true one more often than not: with five groups alike in
    truth, some two of them always differ. Each pair therefore gets an interval so wide that all pairs hold together in 95 %
    of samples (Tukey and Kramer's honestly significant difference, proved conservative by Hayter, Annals of Statistics 12,
    1984), and the interval returned is the highest lower and the highest upper bound among them. Its value is still biased
    upwards; its lower bound is not. For two groups this is the usual interval of a difference.

    Parameters
    ----------
    rates
        (k,) one rate for each group, k at least 2.
    spread
        (k,) the standard error of each, above 0.
    """
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(CONFIDENCE, rates.size, np.inf)) / np.sqrt(2)
    first, second = np.triu_indices(rates.size, k=1)
    return _largest(rates[first] - rates[second], quantile * np.hypot(spread[first], spread[second]))


def largest_distance(distances: Floats, spread: Floats) -> tuple[float, float]:
    """Return a 95 % interval of the largest absolute value among groups' distances from 0.

    As :func:`largest_difference`, with intervals that hold together because groups share no rows (Šidák, JASA 62, 1967).

    Parameters
    ----------
    distances
        (k,) one signed distance for each group, k at least 1.
    spread
        (k,) the standard error of each, above 0.
    """
    from scipy.stats import norm

    quantile = float(norm.ppf((1 + CONFIDENCE ** (1 / distances.size)) / 2))
    return _largest(distances, quantile * spread)


def _largest(signed: Floats, half_width: Floats) -> tuple[float, float]:
    size = np.abs(signed)
    return float(np.clip(size - half_width, 0, 1).max()), float(np.clip(size + half_width, 0, 1).max())
