"""The statistics of drift, each a plain function of counts: effect sizes and p-values."""

from __future__ import annotations

import math

import numpy as np

from fusionguard.evaluation.scored import Floats, Integers

PSEUDO_COUNT = 0.5
"""What each bin is given on both sides before shares are taken, so that an empty bin has a logarithm (Jeffreys' prior)."""

_RARE_BELOW = 5.0


def psi(expected: Floats, counts: Floats | Integers, *, rows: float | None = None) -> float:
    """Return the population stability index of counts (b,) against expected shares (b,), in nats.

    ``sum((q - p) * ln(q / p))``, the symmetric Kullback-Leibler divergence of observed shares q from expected shares p
    (Siddiqi, *Credit Risk Scorecards*, 2006, chapter 9; Lin, "Divergence measures", IEEE Trans. Inf. Theory 37, 1991).

    Parameters
    ----------
    expected
        Shares that add up to 1.
    counts
        What the window holds.
    rows
        How many rows the expected shares rest on: each bin of either side then gets :data:`PSEUDO_COUNT` more. None takes both
        as they are, as published examples do; a bin that is empty on one side alone is then infinite.
    """
    added = 0.0 if rows is None else PSEUDO_COUNT
    weight, count = (expected if rows is None else expected * rows) + added, counts + added
    p, q = weight / weight.sum(), count / count.sum()
    held = (p > 0) | (q > 0)
    with np.errstate(divide="ignore"):
        return float(np.sum((q[held] - p[held]) * np.log(q[held] / p[held])))


def psi_expectation(bins: int, rows: float, reference_rows: float) -> float:
    """Return the index that sampling alone is expected to give: (b - 1) * (1/n + 1/m).

    Without drift, the index over (1/n + 1/m) is distributed as chi-squared with b - 1 degrees of freedom (Yurdakul and Naranjo,
    "Statistical properties of the population stability index", Journal of Risk Model Validation 14(4), 2020).
    """
    return (bins - 1) * (1 / rows + 1 / reference_rows)


def psi_chance(value: float, bins: int, rows: float, reference_rows: float) -> float:
    """Return the p-value of an index; see :func:`psi_expectation` for its distribution."""
    from scipy.special import chdtrc

    return float(chdtrc(bins - 1, value / (1 / rows + 1 / reference_rows))) if bins > 1 else 1.0


def ks_distance(expected: Floats, counts: Floats | Integers) -> float:
    """Return the largest distance of the two distribution functions at the borders of the bins, in [0, 1].

    For bins that hold a share s of the reference it falls short of the distance over all values by at most the largest s.
    """
    return float(np.abs(np.cumsum(counts) / counts.sum() - np.cumsum(expected)).max())


def ks_chance(distance: float, rows: float, reference_rows: float) -> float:
    """Return the two-sided p-value of Kolmogorov and Smirnov's two-sample test.

    Kolmogorov's limit for one sample of size N = nm / (n + m), with Stephens' correction for finite N (JRSS B 32, 1970): it is
    read at ``(sqrt(N) + 0.12 + 0.11 / sqrt(N)) * D``. With bins or ties it is conservative: noise is found less often than
    the p-value says.
    """
    from scipy.special import kolmogorov

    root = math.sqrt(rows * reference_rows / (rows + reference_rows))
    return float(kolmogorov((root + 0.12 + 0.11 / root) * distance))


def chi_square_chance(first: Floats | Integers, second: Floats | Integers) -> float:
    """Return the p-value of Pearson's chi-squared test that two rows of counts (c,) come from one distribution."""
    table = np.array([first, second])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return 1.0
    from scipy.special import chdtrc

    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return float(chdtrc(table.shape[1] - 1, np.sum((table - expected) ** 2 / expected)))


def proportions_chance(
    hits: float, rows: float, reference_hits: float, reference_rows: float, *, design_effect: float = 1.0
) -> float:
    """Return the two-sided p-value that two proportions are equal.

    Pearson's chi-squared test; where a cell is expected to hold fewer than 5 (Cochran, Biometrics 10, 1954), the conditional test
    of two Poisson rates: given their sum, the window's hits are binomial with its share of the rows (Przyborowski and Wilenski,
    Biometrika 31, 1940). It is exact for rare hits and conservative for others; the smaller tail is doubled. Of rows that come in
    groups, all counts are divided by the design effect first, as if each group were a row (Rao and Scott, Biometrics 48, 1992).
    """
    if rows <= 0 or reference_rows <= 0:
        return 1.0
    hits, rows, reference_hits, reference_rows = (count / design_effect for count in (hits, rows, reference_hits, reference_rows))
    pooled = (hits + reference_hits) / (rows + reference_rows)
    if min(rows, reference_rows) * min(pooled, 1 - pooled) >= _RARE_BELOW:
        return chi_square_chance(np.array([hits, rows - hits]), np.array([reference_hits, reference_rows - reference_hits]))
    from scipy.special import betainc

    if pooled > 0.5:  # then the rare thing is to be none
        hits, reference_hits = rows - hits, reference_rows - reference_hits
    total, share = hits + reference_hits, rows / (rows + reference_rows)
    # The binomial's tails as incomplete beta functions, which are theirs for whole counts and go on between them; 1 at the ends.
    at_least = float(betainc(hits, total - hits + 1, share))
    at_most = float(1 - betainc(hits + 1, total - hits, share))
    return min(1.0, 2 * min(at_least, at_most))


def beyond_extreme_chance(beyond: int, rows: float, reference_rows: float, *, design_effect: float = 1.0) -> float:
    """Return the chance that so many rows exceed the largest of the reference's, though both come from one distribution.

    All of the k largest of n + m rows come from the window with probability C(n, k) / C(n + m, k), which is at most
    ``(n / (n + m)) ** k`` (Gumbel and von Schelling, "The distribution of the number of exceedances", Ann. Math. Stat. 21, 1950).
    Rows that come in groups exceed it together: k is then the number of groups, at least one.
    """
    groups = max(beyond / design_effect, 1.0) if beyond else 0.0
    return float((rows / (rows + reference_rows)) ** groups)
