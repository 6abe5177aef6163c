"""Scoring: both engines agree, and explanations add up."""

from __future__ import annotations

import numpy as np
import pytest

from fusionguard.evaluation.explanation import sample_rows
from fusionguard.evaluation.log_odds import sigmoid
from fusionguard.families.fraud.autoencoder_inputs import Inputs, Scaling
from fusionguard.families.fraud.autoencoder_onnx import Layer, autoencoder_graph
from fusionguard.families.fraud.family import FRAUD_FAMILY
from fusionguard.families.fraud.fusion import Fusion, calibrate, fit_fusion
from fusionguard.families.fraud.model import RECONSTRUCTION_ERROR, FraudModel, load, log_errors, open_session
from fusionguard.families.fraud.profile import reference_profile
from fusionguard.families.fraud.rows import Encoding
from fusionguard.features.fraud import MODEL_FEATURES

from .conftest import CONFIG, Trained


@pytest.fixture(scope="module")
def model(trained: Trained) -> FraudModel:
    return load(trained.bundle)


def _fused(model: FraudModel) -> FraudModel:
    """The same model with an autoencoder that counts, whatever validation thought of it."""
    fusion = model.fusion.model_copy(update={"autoencoder": 0.7, "uses_autoencoder": True})
    return FraudModel(model.bundle, model.booster, fusion, model.policy)


@pytest.mark.parametrize("fused", [False, True])
def test_native_and_onnx_agree(model: FraudModel, trained: Trained, fused: bool) -> None:
    rows = trained.features.read(list(MODEL_FEATURES))
    model = _fused(model) if fused else model
    native, portable = model.score(rows), model.score(rows, engine="onnx")
    assert np.abs(native.probability - portable.probability).max() < 1e-5
    assert np.abs(native.score - portable.score).max() < 1e-4


def test_an_answer_is_the_score_the_decision_and_its_reasons(model: FraudModel, trained: Trained) -> None:
    rows = trained.features.read(list(MODEL_FEATURES))
    answer, scores = model.answer_features(rows, reasons=2), model.score(rows)
    review = model.policy.decide(scores.probability, rows["Amount"].to_numpy())
    assert review.any() and not review.all()
    assert answer.schema.equals(FRAUD_FAMILY.answer_columns)
    assert np.array_equal(answer["score"].to_numpy(), scores.score)
    assert np.array_equal(answer["probability"].to_numpy(), scores.probability)
    assert answer["decision"].to_pylist() == ["review" if alert else "accept" for alert in review]
    told = answer["reasons"].to_pylist()
    assert {text for text, alert in zip(told, review, strict=True) if not alert} == {""}
    assert all(1 <= len(text.split("; ")) <= 2 for text, alert in zip(told, review, strict=True) if alert)
    assert set(model.answer_features(rows)["reasons"].to_pylist()) == {""}


def test_one_row_scores_as_it_does_among_others(model: FraudModel, trained: Trained) -> None:
    rows = trained.features.read(list(MODEL_FEATURES), 10, 20)
    together = _fused(model).score(rows).score
    alone = [_fused(model).score(rows.slice(place, 1)).score[0] for place in range(10)]
    assert together == pytest.approx(alone, abs=1e-6)


def test_the_autoencoder_has_a_bottleneck(trained: Trained) -> None:
    facts = {prop.key: prop.value for prop in trained.autoencoder.metadata_props}
    assert int(facts["latent_size"]) in CONFIG.autoencoder.latent_sizes


def test_the_autoencoder_graph_computes_the_log_of_the_mean_squared_error() -> None:
    rng = np.random.default_rng(0)
    layers = [
        Layer(rng.normal(size=(2, 3)).astype(np.float32), rng.normal(size=2).astype(np.float32), tanh=True),
        Layer(rng.normal(size=(3, 2)).astype(np.float32), rng.normal(size=3).astype(np.float32), tanh=False),
    ]
    scaling = Scaling(np.array([0.5, -1.0, 2.0]), np.array([2.0, 0.5, 1.0]), clip=3.0)
    graph = autoencoder_graph(layers, scaling, Inputs([0, 3, 1], 2, may_miss=False), n_features=4, facts={})
    x = np.abs(rng.normal(scale=5, size=(50, 4))).astype(np.float32)
    inputs = scaling.apply(np.column_stack([x[:, 0], x[:, 3], np.log1p(x[:, 1])]))
    rebuilt = np.tanh(inputs @ layers[0].weight.T + layers[0].bias) @ layers[1].weight.T + layers[1].bias
    expected = np.log(((rebuilt - inputs) ** 2).mean(axis=1))
    assert log_errors(open_session(graph.SerializeToString()), x) == pytest.approx(expected, abs=1e-4)


def test_contributions_add_up_to_the_score(model: FraudModel, trained: Trained) -> None:
    rows = trained.features.read(None, 0, 200)
    explanation = _fused(model).explain(rows)
    assert explanation.names == (*MODEL_FEATURES, RECONSTRUCTION_ERROR)
    total = explanation.contributions.sum(axis=1)
    differences = _fused(model).score(rows).score - total
    assert differences == pytest.approx(differences[0], abs=1e-4)


def test_importance_finds_the_features_that_move_with_fraud(model: FraudModel, trained: Trained) -> None:
    top = {name for name, _ in model.explain(trained.features.read()).importance()[:4]}
    assert top == {"V1", "V2", "V3", "V4"}


def test_reason_codes_raise_the_risk(model: FraudModel, trained: Trained) -> None:
    explanation = model.explain(trained.features.read(None, 0, 50))
    for row, codes in zip(explanation.contributions, explanation.reasons(3), strict=True):
        assert len(codes) <= 3
        assert all(row[explanation.names.index(code)] > 0 for code in codes)


def test_sample_rows_are_distinct_and_repeatable() -> None:
    assert list(sample_rows(5, 100, 1)) == [0, 1, 2, 3, 4]
    assert len(set(sample_rows(1000, 50, 1))) == 50
    assert list(sample_rows(1000, 50, 1)) == list(sample_rows(1000, 50, 1))


def _margins(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(-3, 2, rows)
    return truth, (rng.random(rows) < sigmoid(truth)).astype(np.int8)


def test_calibration_recovers_a_known_distortion_from_much_evidence() -> None:
    truth, label = _margins(200_000, 1)
    distorted = (truth + 0.4) / 0.8
    found = calibrate(distorted, label, np.ones(len(label)), distorted, prior_shift=0.0)
    assert found == pytest.approx(sigmoid(truth), abs=0.02)


def test_calibration_stays_near_the_margin_without_evidence() -> None:
    margin = np.array([-2.0, 2.0])
    found = calibrate(margin, np.array([0, 1], dtype=np.int8), np.ones(2), margin, prior_shift=0.0)
    assert found == pytest.approx(sigmoid(margin), abs=0.05)


def test_fusion_takes_an_autoencoder_that_helps_and_drops_one_that_does_not() -> None:
    truth, label = _margins(20_000, 2)
    weight = np.ones(len(label))
    rng = np.random.default_rng(3)
    half, other_half = truth / 2 + rng.normal(size=len(truth)), truth / 2 + rng.normal(size=len(truth))
    helps = fit_fusion(half, other_half, label, weight, prior_shift=0.0, seed=0)
    assert helps.uses_autoencoder
    assert helps.autoencoder > 0
    useless = fit_fusion(truth, rng.normal(size=len(truth)), label, weight, prior_shift=0.0, seed=0)
    assert not useless.uses_autoencoder
    assert useless.autoencoder == 0
    assert "XGBoost is used alone" in useless.reason


def test_fusion_is_stored_and_read_back(model: FraudModel) -> None:
    assert Fusion.model_validate_json(model.fusion.model_dump_json()) == model.fusion


def test_the_reference_profile_is_weighted_and_holds_no_rows(trained: Trained) -> None:
    x = np.zeros((4, len(MODEL_FEATURES)), dtype=np.float32)
    x[:, 0] = [0, 1, 2, 3]
    profile = reference_profile(x, np.array([97.0, 1, 1, 1]), np.array([0.1, 0.2]), np.ones(2), Encoding.of()).to_pydict()
    v1 = [value for name, value in zip(profile["column"], profile["value"], strict=True) if name == "V1"]
    assert v1[50] == 0
    assert v1[97:] == [0, 1, 2, 3]
    assert len(profile["column"]) == 101 * (len(MODEL_FEATURES) + 1)
