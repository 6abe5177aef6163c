"""How sure a share is, and the difference of two."""

from __future__ import annotations

import math

Z95 = 1.959963984540054
"""The normal quantile of a two-sided interval of 95 %."""


def wilson_interval(successes: float, trials: float, z: float = Z95) -> tuple[float, float]:
    """Return the score interval of a proportion (Wilson, JASA 22, 1927): it stays in [0, 1] and holds for few successes.

    ``z`` is the normal quantile, for a 95 % interval by default.
    """
    rate, z2 = successes / trials, z**2
    centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = z / (1 + z2 / trials) * math.sqrt(rate * (1 - rate) / trials + z2 / (4 * trials**2))
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == trials else centre + half)


def difference_interval(
    hits: float, rows: float, reference_hits: float, reference_rows: float, *, design_effect: float = 1.0
) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two proportions, the first less the reference.

    Newcombe, *Statistics in Medicine* 17 (1998), 873-890, method 10: Wilson's bounds, squared and added. Rows that
    come in groups say less than as many that do not: the design effect divides their counts.
    """
    rate, other = hits / rows, reference_hits / reference_rows
    low, high = wilson_interval(hits / design_effect, rows / design_effect)
    other_low, other_high = wilson_interval(reference_hits / design_effect, reference_rows / design_effect)
    return rate - other - math.hypot(rate - low, other_high - other), rate - other + math.hypot(high - rate, other - other_low)
