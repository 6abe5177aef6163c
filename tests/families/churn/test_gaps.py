"""How sure the largest gap is, against published quantiles, and never outside what a gap can be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from fusionguard.families.churn.gaps import largest_difference, largest_distance

TUKEY_3 = 3.314493
"""The 95 % quantile of the studentized range of three groups, with no end of degrees of freedom; tables print 3.31."""


def test_two_groups_alike_have_the_usual_interval_of_their_difference() -> None:
    low, high = largest_difference(np.array([0.5, 0.5]), np.array([0.03, 0.04]))
    assert (low, high) == (0, pytest.approx(norm.ppf(0.975) * 0.05))


def test_of_three_groups_the_pair_with_the_highest_bound_counts_on_either_side() -> None:
    rates, spread = np.array([0.2, 0.5, 0.55]), np.array([0.03, 0.04, 0.12])
    low, high = largest_difference(rates, spread)
    assert low == pytest.approx(0.3 - TUKEY_3 / np.sqrt(2) * 0.05, rel=1e-5)
    assert high == pytest.approx(0.35 + TUKEY_3 / np.sqrt(2) * np.hypot(0.03, 0.12), rel=1e-5)
    order = np.array([2, 0, 1])
    assert largest_difference(rates[order], spread[order]) == pytest.approx((low, high))


def test_of_two_distances_each_interval_is_as_wide_as_both_hold_together() -> None:
    quantile = 2.236477  # Sidak's for two at 95 %
    low, high = largest_distance(np.array([-0.3, 0.25]), np.array([0.05, 0.02]))
    assert (low, high) == pytest.approx((0.25 - quantile * 0.02, 0.3 + quantile * 0.05), rel=1e-5)


def test_bounds_stay_within_what_a_gap_can_be() -> None:
    assert largest_distance(np.array([0.01]), np.array([0.05]))[0] == 0
    assert largest_distance(np.array([-0.99]), np.array([0.05]))[1] == 1
    assert largest_difference(np.array([0.01, 0.99]), np.array([0.05, 0.05]))[1] == 1
