"""Bands of estimates hold the truth as often as they say, on simulated shifts whose truth is known; and they are quick."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from fusionguard.monitoring.calibration import fit_line
from tests.monitoring.outcomes import Arrays, estimate_rows, holds, outcomes


def truth(probability: np.ndarray, flagged: np.ndarray, label: np.ndarray) -> dict[str, float]:
    return {
        "precision": float(label[flagged].mean()),
        "recall": float(label[flagged].sum() / label.sum()),
        "roc_auc": float(roc_auc_score(label, probability)),
        "average_precision": float(average_precision_score(label, probability)),
    }


@pytest.mark.parametrize("centre, spread", [(-2.5, 1.5), (-1.0, 1.5), (-2.5, 0.7), (-4.5, 2.0)])
def test_bands_hold_the_truth_under_covariate_shift(centre: float, spread: float) -> None:
    """Rows move, probabilities stay right: of 30 windows, 95 % bands hold about 28 and, by chance, hardly fewer than 25."""
    held = dict.fromkeys(("precision", "recall", "roc_auc", "average_precision"), 0)
    for seed in range(30):
        probability, flagged, label = outcomes(900, seed, centre, spread)
        read = estimate_rows(probability, flagged, samples=100)
        for name, value in truth(probability, flagged, label).items():
            held[name] += holds(read, name, value)
    assert min(held.values()) >= 25, held


@pytest.mark.full
@pytest.mark.parametrize(
    "rows, centre, moved",
    [
        pytest.param(20_000, -9.0, 0.0, marks=pytest.mark.full),
        pytest.param(20_000, -9.0, 1.0, marks=pytest.mark.full),
        (3_000, -3.0, 0.0),
    ],
)
def test_bands_hold_the_truth_though_probabilities_are_wrong(rows: int, centre: float, moved: float) -> None:
    """Rare positives and log-odds that are too flat, seen in an evaluation, while later rows move: bands hold the truth as often
    as they say, and bands of the bare probabilities do not. Of 60 windows at 95 %, fewer than 52 come once in a thousand."""

    def window(seed: int, count: int, shift: float) -> Arrays:
        rng = np.random.default_rng(seed)
        log_odds = rng.normal(centre + shift, 2.5, count)
        probability = 1 / (1 + np.exp(-0.7 * log_odds))  # what the model says of rows whose true log-odds these are
        return probability, probability > 0.3, (rng.random(count) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)

    held, bare = 0, 0
    for seed in range(60):
        probability, _, label = window(1_000 + seed, rows, 0.0)
        line = fit_line(label.astype(float), np.ones(rows), probability, source="the evaluation")
        probability, flagged, label = window(seed, rows, moved)
        true = roc_auc_score(label, probability)
        held += holds(estimate_rows(probability, flagged, evaluated=line, samples=60), "roc_auc", true)
        bare += holds(estimate_rows(probability, flagged, samples=60), "roc_auc", true)
    assert held >= 52
    assert bare <= 40


def test_bands_are_those_of_the_poisson_binomial() -> None:
    probability, flagged, _ = outcomes(1_000, 3)
    read = estimate_rows(probability, flagged, samples=1_500).confusion.true_positives
    spread = float(np.sqrt(np.sum((probability * (1 - probability))[flagged])))
    assert read.low is not None and read.high is not None
    assert (read.high - read.low) / (2 * 1.96) == pytest.approx(spread, rel=0.06)


def test_millions_of_rows_cost_seconds() -> None:
    probability, flagged, _ = outcomes(1_000_000, 9)
    read = estimate_rows(probability, flagged, samples=100)
    assert read.rows == 1_000_000
    assert read.metrics["roc_auc"].high - read.metrics["roc_auc"].low < 0.005  # type: ignore[operator]
