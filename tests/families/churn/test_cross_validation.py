"""Cross-validated quality: intervals against numbers worked out by hand and published ones, gains pair by pair, calibration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t as student
from sklearn.datasets import make_moons
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC

from fusionguard.evaluation.holdout import Fold
from fusionguard.evaluation.metrics import Labels
from fusionguard.evaluation.readings import AVERAGE_PRECISION, BRIER, CALIBRATION_ERROR, ROC_AUC
from fusionguard.evaluation.scored import Floats
from fusionguard.evaluation.ties import mean_interval
from fusionguard.families.churn.cross_validation import (
    CrossValidation,
    calibration_reading,
    cross_validation,
    fold_metrics,
)

ROWS, FOLDS, REPEATS = 600, 3, 2


@pytest.fixture(scope="module")
def label() -> Labels:
    return (np.random.default_rng(2).random(ROWS) < 0.3).astype(np.int8)


@pytest.fixture(scope="module")
def folds(label: Labels) -> list[Fold]:
    return list(RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=1).split(np.zeros(ROWS), label))


@pytest.fixture(scope="module")
def scores(label: Labels) -> dict[str, list[Floats]]:
    """Two models; ``good`` ranks better than ``poor`` by more than the folds differ, and each repeat has scores of its own."""
    rng = np.random.default_rng(3)
    return {
        name: [label * strength + rng.normal(size=ROWS) for _ in range(REPEATS)] for name, strength in (("good", 2), ("poor", 1))
    }


def _probabilities(scores: dict[str, list[Floats]]) -> dict[str, list[Floats]]:
    return {name: [1 / (1 + np.exp(-score)) for score in repeats] for name, repeats in scores.items()}


def test_the_interval_as_worked_out_by_hand() -> None:
    """Mean 0.82, variance 0.001, (1/5 + 1/4) * 0.001 = 0.00045, and the 97.5 % quantile of t with 4 degrees is 2.776445."""
    found = mean_interval(np.array([0.80, 0.84, 0.82, 0.86, 0.78]), 5)
    assert found.value == pytest.approx(0.82)
    assert found.low == pytest.approx(0.82 - 2.776445 * 0.021213203, abs=1e-8)
    assert found.high == pytest.approx(0.82 + 2.776445 * 0.021213203, abs=1e-8)


def test_the_interval_agrees_with_a_published_corrected_t_test() -> None:
    """scikit-learn's example "Statistical comparison of models using grid search" prints t = 0.750 and p = 0.227.

    Its folds are drawn and its models fitted here; t and p then follow from our interval.
    """
    x, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    auc = [cross_val_score(SVC(kernel=kernel, random_state=0), x, y, scoring="roc_auc", cv=folds) for kernel in ("rbf", "linear")]
    found = mean_interval(auc[0] - auc[1], 10)
    assert found.value is not None and found.high is not None
    t = found.value / ((found.high - found.value) / student.ppf(0.975, 99))
    assert t == pytest.approx(0.750, abs=5e-4)
    assert student.sf(t, 99) == pytest.approx(0.227, abs=5e-4)


def test_more_repeats_never_narrow_the_interval_to_nothing() -> None:
    """However often the folds are drawn anew, the variance of the mean stays above test / train of that of a fold."""
    values = np.random.default_rng(1).normal(0.85, 0.01, 5_000)
    found = mean_interval(values, 5)
    assert found.high is not None and found.value is not None
    assert found.high - found.value > 1.96 * 0.01 * math.sqrt(1 / 4) * 0.95


def test_one_reading_has_no_interval() -> None:
    found = mean_interval(np.array([0.8]), 5)
    assert (found.value, found.low, found.high) == (0.8, None, None)


def test_each_fold_is_read_by_the_scores_of_its_own_repeat(
    label: Labels, folds: list[Fold], scores: dict[str, list[Floats]]
) -> None:
    probabilities = _probabilities(scores)
    read = fold_metrics(label, scores["good"], probabilities["good"], folds)
    assert set(read) == {ROC_AUC, AVERAGE_PRECISION, BRIER}
    for number, (_, places) in enumerate(folds):
        score = scores["good"][number // FOLDS][places]
        assert read[ROC_AUC][number] == pytest.approx(roc_auc_score(label[places], score))
        assert read[AVERAGE_PRECISION][number] == pytest.approx(average_precision_score(label[places], score))
        assert read[BRIER][number] == pytest.approx(
            brier_score_loss(label[places], probabilities["good"][number // FOLDS][places])
        )
    assert set(fold_metrics(label, scores["good"], None, folds)) == {ROC_AUC, AVERAGE_PRECISION}


def _calibration_error(label: Labels, probability: Floats) -> float:
    """The textbook formula with ten bins of 60 rows each; there are no ties."""
    order = np.argsort(probability)
    bins = np.split(order, 10)
    return float(sum(len(rows) / ROWS * abs(probability[rows].mean() - label[rows].mean()) for rows in bins))


def test_the_calibration_error_is_the_mean_of_the_repeats(label: Labels, scores: dict[str, list[Floats]]) -> None:
    probabilities = _probabilities(scores)["good"]
    errors = [_calibration_error(label, probability) for probability in probabilities]
    found = calibration_reading(label, probabilities)
    assert found.value == pytest.approx(np.mean(errors))
    assert (found.low, found.high) == (pytest.approx(min(errors)), pytest.approx(max(errors)))
    assert found.low != found.high
    once = calibration_reading(label, probabilities[:1])
    assert (once.value, once.low, once.high) == (pytest.approx(errors[0]), None, None)


def test_rightly_calibrated_probabilities_have_a_small_error_and_shifted_ones_the_shift() -> None:
    rng = np.random.default_rng(4)
    probability = rng.uniform(0.1, 0.8, 20_000)
    label = (rng.random(20_000) < probability).astype(np.int8)
    right, shifted = (calibration_reading(label, [each]).value for each in (probability, probability + 0.1))
    assert right is not None and right < 0.015
    assert shifted == pytest.approx(0.1, abs=0.01)


@pytest.fixture
def read(label: Labels, folds: list[Fold], scores: dict[str, list[Floats]]) -> CrossValidation:
    probabilities = {"good": _probabilities(scores)["good"]}
    return cross_validation(label, folds, scores, probabilities, folds_per_repeat=FOLDS, chosen="good", reason="it is better")


def test_gains_are_paired_fold_by_fold(
    read: CrossValidation, label: Labels, folds: list[Fold], scores: dict[str, list[Floats]]
) -> None:
    differences = [
        roc_auc_score(label[places], scores["good"][number // FOLDS][places])
        - roc_auc_score(label[places], scores["poor"][number // FOLDS][places])
        for number, (_, places) in enumerate(folds)
    ]
    assert set(read.gains) == {"poor"}
    gain = read.gains["poor"][ROC_AUC]
    half = student.ppf(0.975, 5) * math.sqrt((1 / 6 + 1 / 2) * np.var(differences, ddof=1))
    assert gain.value == pytest.approx(np.mean(differences))
    assert (gain.low, gain.high) == (pytest.approx(gain.value - half), pytest.approx(gain.value + half))
    means = read.models["good"][ROC_AUC].value, read.models["poor"][ROC_AUC].value
    assert means[0] is not None and means[1] is not None
    assert gain.value == pytest.approx(means[0] - means[1])


def test_pairing_makes_a_gain_surer_than_either_reading(label: Labels, folds: list[Fold]) -> None:
    """Two models that see nearly the same: folds that are hard for one are hard for the other."""
    rng = np.random.default_rng(5)
    common = [label + rng.normal(size=ROWS) for _ in range(REPEATS)]
    twins = {"one": common, "other": [score + rng.normal(0, 0.05, ROWS) for score in common]}
    found = cross_validation(label, folds, twins, {}, folds_per_repeat=FOLDS, chosen="one", reason="")
    gain, own = found.gains["other"][ROC_AUC], found.models["one"][ROC_AUC]
    assert gain.high is not None and gain.low is not None and own.high is not None and own.low is not None
    assert gain.high - gain.low < (own.high - own.low) / 3


def test_what_was_read_of_which_model(read: CrossValidation) -> None:
    assert set(read.models["good"]) == {ROC_AUC, AVERAGE_PRECISION, BRIER, CALIBRATION_ERROR}
    assert set(read.models["poor"]) == {ROC_AUC, AVERAGE_PRECISION}
    assert (read.folds, read.repeats, read.rows, read.chosen, read.reason) == (FOLDS, REPEATS, ROWS, "good", "it is better")
    assert CrossValidation.model_validate_json(read.model_dump_json()) == read
