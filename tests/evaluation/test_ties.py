"""Ties: the simpler candidate stays until another's whole paired interval lies above it."""

from __future__ import annotations

import numpy as np
import pytest

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.ties import Choice, beats, corrected_error, mean_interval, simplest_of_ties

SIMPLE = np.array([0.70, 0.74, 0.71, 0.75, 0.65])


def test_a_gain_that_the_folds_can_explain_is_a_tie_and_the_simpler_stays() -> None:
    """Differences -0.01, 0.02, 0.01, 0.03, 0.02: mean 0.014, variance 0.00023, so 0.014 -+ 2.776445 * sqrt(0.45 * 0.00023)."""
    other = SIMPLE + np.array([-0.01, 0.02, 0.01, 0.03, 0.02])
    choice = simplest_of_ties({"simple": SIMPLE, "other": other}, 5)
    assert (choice.chosen, choice.best) == ("simple", "other")
    assert choice.gain.value == pytest.approx(0.014)
    assert choice.gain.low == pytest.approx(-0.0142461, abs=1e-6)
    assert choice.gain.high == pytest.approx(0.0422461, abs=1e-6)


def test_the_same_gain_on_every_fold_is_no_tie_however_the_folds_themselves_differ() -> None:
    choice = simplest_of_ties({"simple": SIMPLE, "other": SIMPLE + np.array([0.010, 0.014, 0.012, 0.013, 0.011])}, 5)
    assert (choice.chosen, choice.best) == ("other", "other")
    assert choice.gain == Interval(value=0.0, low=0.0, high=0.0)


def test_the_order_of_simplicity_decides_among_those_that_tie_with_the_best() -> None:
    """``first`` is beaten for certain; ``second`` and ``third`` tie, so the order alone says which of them is used."""
    second = SIMPLE + 0.05 + np.array([0.001, -0.002, 0.001, 0.0, 0.001])
    third = second + np.array([0.003, -0.001, 0.002, -0.002, 0.001])
    assert simplest_of_ties({"first": SIMPLE, "second": second, "third": third}, 5).chosen == "second"
    assert simplest_of_ties({"first": SIMPLE, "third": third, "second": second}, 5).chosen == "third"
    assert simplest_of_ties({"third": third, "second": second, "first": SIMPLE}, 5).chosen == "third"


def test_equal_candidates_and_single_folds_are_ties() -> None:
    equal = simplest_of_ties({"simple": SIMPLE, "other": SIMPLE.copy()}, 5)
    assert equal == Choice(chosen="simple", best="simple", gain=Interval(value=0.0, low=0.0, high=0.0))
    assert simplest_of_ties({"simple": np.array([0.7]), "other": np.array([0.9])}, 5).chosen == "simple"


def test_fewer_folds_a_repeat_widen_the_interval() -> None:
    """(1/6 + 1/1) against (1/6 + 1/4) of the variance: the same six differences are a tie on two folds thrice, not on five."""
    differences = np.array([0.006, 0.018, 0.010, 0.020, 0.006, 0.024])
    assert corrected_error(differences, 2) == pytest.approx(np.sqrt(7 / 6) * differences.std(ddof=1))
    assert corrected_error(differences, 5) == pytest.approx(np.sqrt(5 / 12) * differences.std(ddof=1))
    base = np.full(6, 0.5)
    chosen = [simplest_of_ties({"simple": base, "other": base + differences}, folds).chosen for folds in (2, 5)]
    assert chosen == ["simple", "other"]


def test_two_folds_have_an_interval_and_one_has_none() -> None:
    """Variance 0.02 of two folds: 0.2 -+ 12.7062 * sqrt((1 / 2 + 1 / 1) * 0.02)."""
    read = mean_interval(np.array([0.1, 0.3]), 2)
    assert (read.value, read.low, read.high) == pytest.approx((0.2, -2.000780, 2.400780), abs=1e-5)
    assert mean_interval(np.array([0.7]), 5) == Interval(value=0.7)


@pytest.mark.parametrize(("low", "expected"), [(0.0001, True), (0.0, False), (-0.0001, False), (None, False)])
def test_only_a_whole_interval_above_zero_beats(low: float | None, expected: bool) -> None:
    assert beats(Interval(value=0.004, low=low, high=None if low is None else 0.02)) is expected


def test_there_must_be_a_candidate() -> None:
    with pytest.raises(ValueError):
        simplest_of_ties({}, 5)
