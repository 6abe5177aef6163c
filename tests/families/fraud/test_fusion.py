"""The fusion layer: the maximum a posteriori line, written down a second time, on rows whose weights differ."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.model_selection import RepeatedStratifiedKFold

from fusionguard.evaluation.log_odds import sigmoid
from fusionguard.families.fraud.fusion import Floats, Fusion, _decide, calibrate, fit_fusion

_SHIFT = np.log(0.0818)


def _rows(rows: int = 700, *, seed: int = 3, help_: float = 0.8) -> tuple[Floats, Floats, np.ndarray, Floats]:
    """Margins, log errors that tell ``help_`` more, labels and weights that all differ."""
    rng = np.random.default_rng(seed)
    label = (rng.random(rows) < 0.06).astype(np.int8)
    margin = rng.normal(-2.0, 1.2, rows) + 2.1 * label
    log_error = rng.normal(-3.3, 0.7, rows) + help_ * label
    return margin, log_error, label, np.where(label == 1, rng.uniform(0.5, 2.0, rows), rng.uniform(8.0, 15.0, rows))


def _line(margin: Floats, error: Floats, label: np.ndarray, weight: Floats, shift: float) -> Floats:
    """Weighted cross-entropy plus normal priors: intercept about ``shift`` (0.5), slopes about 1 (0.15) and 0 (0.5)."""
    x, centre = np.stack([np.ones_like(margin), margin, error], axis=1), np.array([shift, 1.0, 0.0])
    line, precision = centre, np.array([1 / 0.5**2, 1 / 0.15**2, 1 / 0.5**2])
    gradient = np.ones(3)
    for _ in range(30):
        probability = 1 / (1 + np.exp(-np.sum(x * line, axis=1)))
        gradient = np.sum(x * (weight * (probability - label))[:, None], axis=0) + precision * (line - centre)
        bend = (x * (weight * probability * (1 - probability))[:, None]).T @ x + np.diag(precision)
        line = line - np.linalg.solve(bend, gradient)
    assert np.abs(gradient).max() < 1e-9
    return np.asarray(line)


def _cross_fitted(margin: Floats, error: Floats, label: np.ndarray, weight: Floats, seed: int) -> float:
    logits = np.full((4, label.size), np.nan)
    for number, (seen, unseen) in enumerate(
        RepeatedStratifiedKFold(n_splits=5, n_repeats=4, random_state=seed).split(margin, label)
    ):
        line = _line(margin[seen], error[seen], label[seen], weight[seen], _SHIFT)
        logits[number // 5, unseen] = line[0] + line[1] * margin[unseen] + line[2] * error[unseen]
    return float(np.mean([average_precision_score(label, row, sample_weight=weight) for row in logits]))


def test_the_fused_layer_is_the_most_probable_line() -> None:
    margin, log_error, label, weight = _rows()
    fusion = fit_fusion(margin, log_error, label, weight, prior_shift=_SHIFT, seed=5)
    mean, scale = log_error.mean(), log_error.std()
    line = _line(margin, (log_error - mean) / scale, label, weight, _SHIFT)
    assert fusion.uses_autoencoder
    assert fusion.booster == pytest.approx(line[1], abs=1e-8)
    assert fusion.autoencoder == pytest.approx(line[2] / scale, abs=1e-8)
    assert fusion.intercept == pytest.approx(line[0] - line[2] * mean / scale, abs=1e-8)
    assert fusion.logit(margin, log_error) == pytest.approx(
        line[0] + line[1] * margin + line[2] * (log_error - mean) / scale, abs=1e-7
    )
    assert fusion.mean_log_error == pytest.approx(np.sum(weight * log_error) / weight.sum(), abs=1e-12)
    assert fusion.mean_log_error != pytest.approx(mean, abs=1e-3), "rows that weigh alike would not show the weights"


def test_both_candidates_are_judged_on_rows_they_were_not_fitted_on() -> None:
    margin, log_error, label, weight = _rows(260, seed=8)
    fusion = fit_fusion(margin, log_error, label, weight, prior_shift=_SHIFT, seed=11)
    error = (log_error - log_error.mean()) / log_error.std()
    assert fusion.average_precision_fused == pytest.approx(_cross_fitted(margin, error, label, weight, 11), abs=1e-9)
    assert fusion.average_precision_booster_alone == pytest.approx(
        _cross_fitted(margin, np.zeros_like(margin), label, weight, 11), abs=1e-9
    )
    assert fusion.average_precision_fused > fusion.average_precision_booster_alone
    assert fusion.reason == (
        f"On the calibration slice (cross-fitted) average precision is {fusion.average_precision_fused:.4f} fused and "
        f"{fusion.average_precision_booster_alone:.4f} for XGBoost alone, so the two are fused."
    )


def test_an_autoencoder_that_does_not_help_is_left_out() -> None:
    margin, log_error, label, weight = _rows(help_=-0.0, seed=1)
    fusion = fit_fusion(margin, log_error, label, weight, prior_shift=_SHIFT, seed=5)
    line = _line(margin, np.zeros_like(margin), label, weight, _SHIFT)
    assert (fusion.uses_autoencoder, fusion.autoencoder) == (False, 0.0)
    assert (fusion.intercept, fusion.booster) == pytest.approx((line[0], line[1]), abs=1e-8)
    assert fusion.reason.endswith(" for XGBoost alone, so XGBoost is used alone."), "what is below is no tie"


def test_a_gain_that_chance_alone_may_give_is_a_tie_and_ties_go_to_the_trees() -> None:
    margin, log_error, label, weight = _rows(300, seed=7, help_=0.35)
    fusion = fit_fusion(margin, log_error, label, weight, prior_shift=_SHIFT, seed=5)
    assert fusion.average_precision_fused > fusion.average_precision_booster_alone
    assert (fusion.uses_autoencoder, fusion.autoencoder) == (False, 0.0)
    assert re.search(
        r"a tie \(95 % interval of the difference -0\.\d{3} to \+0\.\d{3}\), so XGBoost is used alone\.$", fusion.reason
    )


def test_an_interval_that_begins_at_0_holds_it() -> None:
    """The two differ in where the third fraud stands, and in the draws without it not at all."""
    label = np.repeat([1, 0], [3, 5]).astype(np.int8)
    fused, alone = np.arange(8.0, 0.0, -1.0), np.array([8.0, 7.0, 2.5, 5.0, 4.0, 3.0, 2.0, 1.0])
    uses, decided = _decide(fused[None], alone[None], label, np.linspace(1.0, 2.0, 8), 0.2, 0)
    assert not uses
    assert re.match(r"a tie \(95 % interval of the difference \+0\.000 to \+0\.[1-9]", decided)


def test_errors_that_are_all_alike_tell_nothing() -> None:
    margin, _, label, weight = _rows(300)
    fusion = fit_fusion(margin, np.full(300, -3.25), label, weight, prior_shift=_SHIFT, seed=5)
    assert (fusion.uses_autoencoder, fusion.mean_log_error) == (False, pytest.approx(-3.25))
    assert fusion.average_precision_fused == fusion.average_precision_booster_alone
    assert fusion.reason.endswith(" for XGBoost alone, so XGBoost is used alone.")


@pytest.mark.parametrize(("frauds", "judged"), [(1, False), (2, True), (4, True)])
def test_few_frauds_make_fewer_folds_and_one_alone_none(frauds: int, judged: bool) -> None:
    rng = np.random.default_rng(0)
    label = (np.arange(60) < frauds).astype(np.int8)
    margin, weight = rng.normal(-3, 1, 60) + 4.0 * label, rng.uniform(1, 3, 60)
    fusion = fit_fusion(margin, rng.normal(size=60), label, weight, prior_shift=0.0, seed=2)
    assert (fusion.average_precision_booster_alone > 0) is judged
    if not judged:
        assert (fusion.average_precision_fused, fusion.average_precision_booster_alone) == (0.0, 0.0)
        assert not fusion.uses_autoencoder


@pytest.mark.parametrize(("rows", "seed", "shift"), [(400, 6, -0.7), (15, 0, -0.7), (15, 0, -2.5)])
def test_calibrating_another_model_is_the_same_line_without_the_autoencoder(rows: int, seed: int, shift: float) -> None:
    """Among fifteen rows SciPy's own tolerance ends too early, and a search whose loss is not its gradient's gets stuck."""
    margin, _, label, weight = _rows(rows, seed=seed)
    line = _line(margin, np.zeros_like(margin), label, weight, shift)
    unseen = np.array([-6.0, -1.5, 0.0, 2.25])
    expected = 1 / (1 + np.exp(-(line[0] + line[1] * unseen)))
    assert calibrate(margin, label, weight, unseen, prior_shift=shift) == pytest.approx(expected, abs=1e-9)


def test_without_evidence_the_margin_is_shifted_to_the_real_prior() -> None:
    nothing = np.zeros(0)
    probability = calibrate(nothing, nothing.astype(np.int8), nothing, np.array([0.4]), prior_shift=_SHIFT)
    assert probability == pytest.approx(sigmoid(np.array([0.4 + _SHIFT])))


def test_a_logit_is_the_sum_of_its_parts() -> None:
    fusion = Fusion(
        intercept=-0.5,
        booster=1.25,
        autoencoder=0.75,
        uses_autoencoder=True,
        mean_log_error=0.0,
        average_precision_fused=0.5,
        average_precision_booster_alone=0.4,
        reason="",
    )
    assert fusion.logit(np.array([2.0, -1.0]), np.array([-3.0, 0.2])).tolist() == pytest.approx([-0.25, -1.6])


def test_the_sigmoid_does_not_overflow() -> None:
    assert sigmoid(np.array([-800.0, 0.0, 800.0])).tolist() == [0.0, 0.5, 1.0]
    assert sigmoid(np.array([0.3]))[0] == pytest.approx(1 / (1 + np.exp(-0.3)))
