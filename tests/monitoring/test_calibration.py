"""Calibration on labels: formulas against other implementations, and findings where there is something to find."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from fusionguard.monitoring.calibration import read_calibration


def drawn(
    rows: int, seed: int, *, centre: float = -2.0, moved: float = 0.0, stretch: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(centre, 1.5, rows)
    true = 1 / (1 + np.exp(-(centre + stretch * (log_odds - centre) + moved)))
    return (rng.random(rows) < true).astype(np.int8), 1 / (1 + np.exp(-log_odds))


def test_spiegelhalters_z_is_the_standardised_brier_score() -> None:
    """The other form of the statistic: Brier score less its expectation, over its standard deviation."""
    label, p = drawn(400, 0)
    brier, expected = np.mean((label - p) ** 2), np.mean(p * (1 - p))
    deviation = math.sqrt(np.sum(p * (1 - p) * (1 - 2 * p) ** 2)) / 400
    read = read_calibration(label, p)
    assert read.spiegelhalter_z == pytest.approx((brier - expected) / deviation)
    assert read.spiegelhalter_chance == pytest.approx(2 * stats.norm.sf(abs(read.spiegelhalter_z or 0)))


def test_slope_is_logistic_regressions_and_the_intercept_balances_the_sums() -> None:
    label, p = drawn(2_000, 1, moved=0.4, stretch=0.7)
    logit = np.log(p / (1 - p))
    fitted = LogisticRegression(C=1e9, tol=1e-9, max_iter=1_000).fit(logit[:, None], label)
    read = read_calibration(label, p)
    assert read.slope.value == pytest.approx(fitted.coef_[0, 0], rel=1e-3)
    assert read.slope.high is not None and read.slope.high < 1
    assert read.intercept is not None
    assert float(np.sum(1 / (1 + np.exp(-(logit + read.intercept))))) == pytest.approx(label.sum())


def test_intercept_slope_and_line_keep_their_values() -> None:
    rows = np.arange(1, 61)
    p = np.round(1 / (1 + np.exp(-(rows - 40) / 9)), 3)
    read = read_calibration(((rows * 7) % 60 < p * 45).astype(np.int8), p)
    slope, line = read.slope, read.line
    assert (read.positives, read.expected) == (15, pytest.approx(21.266))
    assert (read.intercept, read.intercept_error) == pytest.approx((-0.8133946940458139, 0.3710959812149404), abs=1e-9)
    assert (slope.value, slope.low, slope.high) == pytest.approx(
        (1.0040076733422194, 0.4444931644136759, 1.5635221822707628), abs=1e-9
    )
    assert line is not None and line.source == "the last labels" and line.positives == 15
    assert (line.intercept, line.slope) == pytest.approx((-0.7863930476299094, 1.0000258702020437), abs=1e-9)
    assert line.covariance == pytest.approx((0.13579529249887215, -0.014124145076563958, 0.060643153334727355), abs=1e-9)


def test_probabilities_that_are_alike_or_sure_decide_no_slope() -> None:
    label = (np.arange(40) % 5 == 0).astype(np.int8)
    alike = read_calibration(label, np.full(40, 0.1))
    assert alike.slope.reason == "all probabilities are alike, or separate the classes"
    assert alike.intercept == pytest.approx(math.log(0.2 / 0.8) - math.log(0.1 / 0.9), abs=1e-9)
    sure = read_calibration(label, label.astype(np.float64))
    assert sure.intercept_error == pytest.approx(1e5), "of rows that decide nothing, a great deal"


def test_bins_hold_all_rows_and_equal_expected_positives() -> None:
    label, p = drawn(5_000, 2)
    bins = read_calibration(label, p).bins
    assert len(bins) == 10
    assert sum(part.rows for part in bins) == 5_000
    assert sum(part.positives for part in bins) == label.sum()
    assert [part.expected for part in bins] == pytest.approx([p.sum() / 10] * 10, rel=0.05)
    assert sum(part.agrees for part in bins) >= 8


@pytest.mark.parametrize("rows, centre", [(300, -2.0), (3_000, -2.0), (20_000, -7.5)])
def test_calibrated_rows_are_seldom_found_wanting(rows: int, centre: float) -> None:
    found = [read_calibration(*drawn(rows, 100 + seed, centre=centre)).finding for seed in range(40)]
    judged = [finding for finding in found if finding is not None]
    assert len(judged) > 20
    assert sum(finding.level != "none" for finding in judged) <= 2


@pytest.mark.parametrize("moved, stretch, level", [(1, 1, "act"), (-1, 1, "act"), (0.35, 1, "watch"), (0, 0.3, "act")])
def test_miscalibration_is_found(moved: float, stretch: float, level: str) -> None:
    finding = read_calibration(*drawn(6_000, 3, moved=moved, stretch=stretch)).finding
    assert finding is not None
    assert finding.level == level


def test_few_positives_and_single_classes_are_not_judged() -> None:
    label, p = drawn(50, 4, centre=-4.0)
    assert read_calibration(label, p).finding is None
    none = read_calibration(np.zeros(30, dtype=np.int8), np.full(30, 0.1))
    assert (none.intercept, none.slope.reason, none.ratio.value) == (None, "one class only", 0.0)
    sure = read_calibration(np.ones(30, dtype=np.int8), np.ones(30))
    assert sure.spiegelhalter_z is None
