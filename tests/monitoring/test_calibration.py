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
