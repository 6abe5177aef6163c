"""The line of log-odds: against a reference implementation, and on probabilities that are wrong in a known way."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fusionguard.monitoring.calibration import fit_line


def wrong(rows: int, seed: int, intercept: float, slope: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities whose true log-odds are ``intercept + slope * theirs``."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(-4, 2, rows)
    label = (rng.random(rows) < 1 / (1 + np.exp(-(intercept + slope * logit)))).astype(float)
    return label, 1 / (1 + np.exp(-logit))


def test_with_many_outcomes_it_is_sklearns_line() -> None:
    label, probability = wrong(60_000, 1, 0.5, 1.3)
    line = fit_line(label, np.ones(label.size), probability, source="test")
    logit = np.log(probability / (1 - probability))[:, None]
    plain = LogisticRegression(C=np.inf, tol=1e-10).fit(logit, label)
    assert (line.intercept, line.slope) == pytest.approx((plain.intercept_[0], plain.coef_[0, 0]), abs=0.01)
    assert line.apply(probability) == pytest.approx(
        plain.predict_proba(np.log(probability / (1 - probability))[:, None])[:, 1], rel=0.02
    )


def test_its_spread_holds_the_truth() -> None:
    """Of 200 fits, 95 % intervals hold the true slope about 190 times, and the draws spread as the covariance says."""
    held = 0
    for seed in range(200):
        label, probability = wrong(800, seed, 0.3, 1.1)
        line = fit_line(label, np.ones(label.size), probability, source="test")
        held += abs(line.slope - 1.1) <= 1.96 * np.sqrt(line.covariance[2])
    assert 180 <= held <= 199
    drawn = np.array([(each.intercept, each.slope) for each in line.draws(np.random.default_rng(1), 4_000)])
    assert np.cov(drawn.T) == pytest.approx(np.array([line.covariance[:2], line.covariance[1:]]), rel=0.15)


def test_groups_of_rows_give_the_line_of_rows() -> None:
    probability = np.array([0.01, 0.1, 0.6])
    rows, positives = np.array([500.0, 80.0, 20.0]), np.array([2.0, 12.0, 15.0])
    label = np.concatenate([np.repeat([1.0, 0.0], [int(k), int(n - k)]) for n, k in zip(rows, positives, strict=True)])
    single = fit_line(label, np.ones(label.size), np.repeat(probability, rows.astype(int)), source="rows")
    grouped = fit_line(positives, rows, probability, source="bins")
    assert (grouped.intercept, grouped.slope) == pytest.approx((single.intercept, single.slope))
    assert grouped.covariance == pytest.approx(single.covariance)
    assert grouped.positives == 29


def test_separated_classes_stay_near_the_model() -> None:
    line = fit_line(np.array([0.0, 5.0]), np.array([50.0, 5.0]), np.array([0.01, 0.99]), source="test")
    assert abs(line.intercept) < 2
    assert 0.8 < line.slope < 2
