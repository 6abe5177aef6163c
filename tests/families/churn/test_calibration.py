"""Platt's line: the maximum-likelihood one whatever the scores' scale, finite where classes separate, and cross-fitted."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold

from fusionguard.evaluation.log_odds import sigmoid
from fusionguard.families.churn.calibration import Floats, Labels, Platt, cross_fitted, fit_platt


def draw(rows: int = 2_000, seed: int = 0) -> tuple[Floats, Labels]:
    """True log-odds and outcomes that follow from them."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-1.5, 1.3, rows)
    return truth, (rng.random(rows) < sigmoid(truth)).astype(np.int8)


def smoothed_targets(label: Labels) -> Floats:
    """Platt (1999): (N+ + 1) / (N+ + 2) for the positives, 1 / (N- + 2) for the others."""
    positives = label.sum()
    return np.where(label == 1, (positives + 1) / (positives + 2), 1 / (label.size - positives + 2))


def scikit_learns(score: Floats, label: Labels) -> tuple[float, float]:
    """Intercept and slope without a penalty: a row with a target between 0 and 1 is two weighted rows."""
    target, spread = smoothed_targets(label), score.std()
    x = np.concatenate([score, score])[:, None] / spread
    y = np.repeat([1, 0], label.size)
    fitted = LogisticRegression(C=np.inf, solver="newton-cg", tol=1e-12, max_iter=10_000).fit(
        x, y, sample_weight=np.concatenate([target, 1 - target])
    )
    return float(fitted.intercept_[0]), float(fitted.coef_[0, 0] / spread)


@pytest.mark.parametrize(("stretch", "shift"), [(1, 0), (3, 0), (30, 2), (0.1, 0), (1, 50), (1_000, -7), (-1, 0), (1e-6, 0)])
def test_the_line_is_scikit_learns_whatever_the_scale(stretch: float, shift: float) -> None:
    truth, label = draw()
    score = stretch * truth + shift
    line = fit_platt(score, label)
    intercept, slope = scikit_learns(score, label)
    assert line.slope == pytest.approx(slope, rel=1e-5)
    assert line.logit(score) == pytest.approx(intercept + slope * score, abs=1e-5)
    assert line.probability(score).mean() == pytest.approx(smoothed_targets(label).mean(), abs=1e-9)


def test_a_known_distortion_is_taken_back() -> None:
    truth, label = draw(200_000, 1)
    score = (truth + 0.4) / 0.8
    assert np.abs(fit_platt(score, label).probability(score) - sigmoid(truth)).max() < 0.01


@pytest.mark.parametrize("spread", [0.01, 1, 5, 20, 100, 1e6])
def test_scores_that_separate_perfectly_stay_finite(spread: float) -> None:
    label = np.repeat([0, 1], [50, 30]).astype(np.int8)
    score = np.where(label == 1, 1.0, -1.0) * spread + np.random.default_rng(1).normal(0, 0.001 * spread, 80)
    probability = fit_platt(score, label).probability(score)
    assert probability[label == 1] == pytest.approx(31 / 32, abs=0.002)
    assert probability[label == 0] == pytest.approx(1 / 52, abs=0.002)


@pytest.mark.parametrize("seed", range(40))
def test_a_few_leavers_and_an_outlier_do_not_throw_the_fit(seed: int) -> None:
    """Whole Newton steps run away on some of these; at the maximum of the likelihood, both moments of the targets are met."""
    rng = np.random.default_rng(seed)
    label = (np.arange(400) < rng.integers(1, 8)).astype(np.int8)
    score = np.where(label == 1, 10.0 ** rng.uniform(0, 4), 0) + rng.normal(size=400)
    score[rng.integers(400)] += 10.0 ** rng.uniform(0, 5) * rng.choice([-1, 1])
    gap = fit_platt(score, label).probability(score) - smoothed_targets(label)
    assert gap.sum() == pytest.approx(0, abs=1e-6)
    assert (gap * (score - score.mean()) / score.std()).sum() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3])
def test_scores_that_tell_nobody_apart_give_the_rate(value: float) -> None:
    label = np.repeat([0, 1], [50, 30]).astype(np.int8)
    line = fit_platt(np.full(80, value), label)
    assert line.probability(np.full(80, value)) == pytest.approx(smoothed_targets(label).mean())
    assert line.slope == 0


@pytest.mark.parametrize(
    ("centre", "spread", "told_apart"),
    [(0.0, 1e-12, False), (0.0, 1.5e-12, True), (8192.0, 2.0**-30, False), (8192.0, 2.0**-24, True), (-8192.0, 2.0**-30, False)],
)
def test_a_spread_of_a_million_millionth_of_the_scores_is_none(centre: float, spread: float, told_apart: bool) -> None:
    """Half of 64 scores stand at each side of the centre, where a perfect score would have them."""
    label = np.repeat([0, 1], 32).astype(np.int8)
    probability = fit_platt(centre + spread * (2.0 * label - 1), label).probability(centre + spread * (2.0 * label - 1))
    assert probability == pytest.approx(smoothed_targets(label) if told_apart else 0.5, abs=1e-6)


@pytest.mark.parametrize("outcome", [0, 1])
def test_one_class_gives_its_smoothed_rate(outcome: int) -> None:
    score, _ = draw(50)
    expected = 51 / 52 if outcome else 1 / 52
    assert fit_platt(score, np.full(50, outcome, dtype=np.int8)).probability(score) == pytest.approx(expected)


def test_the_line_keeps_the_ranking_and_survives_json() -> None:
    score, label = draw(500, 3)
    line = fit_platt(score, label)
    assert np.array_equal(np.argsort(line.probability(score)), np.argsort(score))
    assert Platt.model_validate_json(line.model_dump_json()) == line


def test_sigmoid_overflows_nowhere() -> None:
    with np.errstate(all="raise"):
        assert sigmoid(np.array([-1e6, 0.0, 1e6])).tolist() == [0.0, 0.5, 1.0]
    assert sigmoid(np.array([0.3])) == pytest.approx(1 / (1 + np.exp(-0.3)))


def test_cross_fitting_never_uses_the_outcomes_of_the_fold_it_calibrates() -> None:
    truth, label = draw(600, 4)
    rng = np.random.default_rng(5)
    scores = [truth + rng.normal(0, 0.5, 600) for _ in range(2)]
    folds = list(RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=6).split(np.zeros(600), label))
    before = cross_fitted(scores, label, folds)
    for number, (rest, places) in enumerate(folds):
        repeat = number // 3
        assert np.array_equal(
            before[repeat][places], fit_platt(scores[repeat][rest], label[rest]).probability(scores[repeat][places])
        )
        turned = label.copy()
        turned[places] = 1 - turned[places]
        after = cross_fitted(scores, turned, folds)
        assert np.array_equal(after[repeat][places], before[repeat][places])
        assert not np.isclose(after[repeat][rest], before[repeat][rest]).any(), "their outcomes calibrate the other folds"
