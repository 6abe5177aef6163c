"""Nothing that judges a model has been seen by it: test slice, own outcomes, names and row numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from fusionguard.data.table import Table
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.simulated import simulate
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.calibration import Floats, Labels, cross_fitted
from fusionguard.families.churn.model import ChurnModel, load
from fusionguard.families.churn.out_of_fold import AVERAGE, CANDIDATES, LIGHTGBM, fit_folds, score_out_of_fold
from fusionguard.families.churn.reading import read_references, read_test
from fusionguard.families.churn.references import REFERENCES
from fusionguard.families.churn.rows import CustomerRows, read_customers
from fusionguard.features.churn import CHURN_FEATURES, LABEL, MODEL_FEATURES, ROW_NUMBER
from fusionguard.features.duckdb_engine import DuckDBEngine
from fusionguard.models.bundle import MANIFEST

from .conftest import CONFIG, Trained, make_plan, train, write_features

NUMBERS = ("CreditScore", "Age", "Tenure", "Balance", "NumOfProducts", "EstimatedSalary", "balance_to_salary", "tenure_to_age")


@pytest.fixture
def same_places(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the test slice and the folds where they are when labels change: both are drawn class by class."""
    places, folds = trained.places, trained.scored.folds
    monkeypatch.setattr(HoldoutPlan, "places", lambda *_: places)
    monkeypatch.setattr(HoldoutPlan, "fold_places", lambda *_: folds)


def _ruined(trained: Trained, file: Path, places: NDArray[np.int64]) -> Table:
    """Turn the labels at some places of the table around, and fill their features with nonsense."""
    table = trained.features.read()
    columns = {name: np.array(table[name].to_numpy()) for name in (*NUMBERS, LABEL)}
    countries = np.array(table["Geography"].to_pylist())
    for name in NUMBERS:
        columns[name][places] = 77
    columns[LABEL][places] = 1 - columns[LABEL][places]
    countries[places] = "Spain"
    return write_features(file, table, **columns, Geography=countries)


def _contents(trained: Trained) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in trained.bundle.folder.iterdir()}


def test_nothing_of_a_test_customer_reaches_scores_models_calibration_or_policy(
    trained: Trained, tmp_path: Path, same_places: None
) -> None:
    again = train(tmp_path, _ruined(trained, tmp_path / "ruined.parquet", trained.places[1]), plan=trained.plan)
    for name, repeats in trained.scored.scores.items():
        assert all(np.array_equal(one, other) for one, other in zip(repeats, again.scored.scores[name], strict=True))
    assert again.comparison == trained.comparison
    assert _contents(again) == _contents(trained)


def test_a_fit_would_notice_one_ruined_development_customer(trained: Trained, tmp_path: Path, same_places: None) -> None:
    again = train(tmp_path, _ruined(trained, tmp_path / "ruined.parquet", trained.places[0][:1]), plan=trained.plan)
    changed = {name for name, content in _contents(again).items() if content != _contents(trained)[name]}
    assert changed == {"lightgbm.txt", "catboost.cbm", "calibration.json", "policy.json", "profile.parquet", MANIFEST}


def test_references_do_not_see_the_outcomes_they_are_judged_by(trained: Trained, tmp_path: Path, same_places: None) -> None:
    label = trained.label.astype(np.int64)
    label[trained.places[1]] = 1 - label[trained.places[1]]
    turned = write_features(tmp_path / "turned.parquet", trained.features.read(), **{LABEL: label})
    before = read_references(trained.features, CHURN_FEATURES, trained.plan, trained.scored, seed=1)
    after = read_references(turned, CHURN_FEATURES, trained.plan, trained.scored, seed=1)
    assert set(before) == set(REFERENCES)
    for name, customers in before.items():
        assert np.array_equal(customers.score, after[name].score)
        assert np.array_equal(customers.label, 1 - after[name].label)


def test_no_customers_own_outcome_is_in_their_out_of_fold_score(trained: Trained, tmp_path: Path, same_places: None) -> None:
    """Turn a third of one fold around: its scores stay to the bit, those of the folds that learned from it do not."""
    _, judged = trained.scored.folds[0]
    turned = judged[::3]
    label = trained.label.astype(np.int64)
    label[trained.places[0][turned]] = 1 - label[trained.places[0][turned]]
    table = write_features(tmp_path / "turned.parquet", trained.features.read(), **{LABEL: label})
    again = score_out_of_fold(table, CHURN_FEATURES, trained.plan, CONFIG.lightgbm, CONFIG.catboost, seed=CONFIG.seed)
    others = np.setdiff1d(np.arange(label.size - trained.plan.test_rows), judged)
    for name in (*CANDIDATES, *REFERENCES):
        before, after = trained.scored.scores[name][0], again.scores[name][0]
        assert np.array_equal(after[judged], before[judged])
        assert not np.isclose(after[others], before[others]).all()


def _memorise(rows: CustomerRows, label: Labels, unseen: CustomerRows) -> Floats:
    """Know by heart who left: 9 or -9 for customers it has seen, 0 for all others."""
    known = {row.tobytes(): 18.0 * outcome - 9 for row, outcome in zip(rows.matrix(), label, strict=True)}
    return np.array([known.get(row.tobytes(), 0.0) for row in unseen.matrix()])


def test_a_model_that_only_memorises_shows_nothing_out_of_fold(trained: Trained) -> None:
    customers, _ = read_customers(trained.features, CHURN_FEATURES)
    rows = trained.plan.planned(trained.features).take(trained.places[0])
    folds = trained.plan.fold_places(rows)
    customers = customers.take(trained.places[0])
    assert len(np.unique(customers.matrix(), axis=0)) == customers.rows, "nobody is there twice"
    scored = fit_folds(customers, rows, folds, CONFIG.holdout.repeats, {"memory": _memorise})
    assert all(not score.any() for score in scored.scores["memory"])
    leaky = [(np.union1d(rest, places[:10]), places) for rest, places in folds]
    shown = fit_folds(customers, rows, leaky, CONFIG.holdout.repeats, {"memory": _memorise})
    assert all(np.count_nonzero(score) == 10 * CONFIG.holdout.folds for score in shown.scores["memory"])


def test_every_customer_is_scored_once_a_repeat(trained: Trained) -> None:
    customers, _ = read_customers(trained.features, CHURN_FEATURES)
    customers, rows = customers.take(trained.places[0]), trained.scored.rows
    calls: list[int] = []

    def count(rows: CustomerRows, known: Labels, unseen: CustomerRows) -> Floats:
        calls.append(unseen.rows)
        return np.full(unseen.rows, float(rows.rows))

    scored = fit_folds(customers, rows, trained.scored.folds, CONFIG.holdout.repeats, {"size": count})
    assert sum(calls) == customers.rows * CONFIG.holdout.repeats
    for repeat, score in enumerate(scored.scores["size"]):
        for rest, places in trained.scored.folds[3 * repeat : 3 * repeat + 3]:
            assert np.all(score[places] == rest.size)


def test_the_average_is_that_of_both(trained: Trained) -> None:
    scores = trained.scored.scores
    for average, one, other in zip(scores[AVERAGE], scores[CANDIDATES[0]], scores[CANDIDATES[1]], strict=True):
        assert np.array_equal(average, (one + other) / 2)


def test_probabilities_that_are_judged_are_cross_fitted(trained: Trained) -> None:
    """The calibration of a fold's customers knows none of their outcomes, or Brier scores would flatter."""
    label, folds = trained.scored.label, trained.scored.folds
    probabilities = cross_fitted(trained.scored.scores[LIGHTGBM], label, folds)
    brier = [np.mean((probabilities[number // 3][places] - label[places]) ** 2) for number, (_, places) in enumerate(folds)]
    assert trained.comparison.models[LIGHTGBM]["brier"].value == pytest.approx(np.mean(brier))


@pytest.mark.parametrize(
    "add", [lambda table: table, lambda table: table.drop_columns([ROW_NUMBER, LABEL])], ids=["row numbers", "none"]
)
def test_no_name_number_or_outcome_moves_a_score(
    model: ChurnModel, trained: Trained, add: Callable[[pa.Table], pa.Table]
) -> None:
    assert not {ROW_NUMBER, LABEL, "Surname", "CustomerId"} & set(MODEL_FEATURES)
    table = trained.features.read()
    numbers = np.random.default_rng(1).permutation(table.num_rows)
    shuffled = table.set_column(0, ROW_NUMBER, pa.array(numbers))
    named = add(shuffled).append_column("Surname", pa.array([f"N{number}" for number in numbers]))
    assert model.answer_features(named, reasons=3).equals(model.answer_features(table.select(list(MODEL_FEATURES)), reasons=3))


def test_a_customers_score_does_not_depend_on_who_is_beside_them(model: ChurnModel, trained: Trained) -> None:
    table = trained.features.read()
    order = np.random.default_rng(2).permutation(table.num_rows)
    together = model.answer_features(table)["score"].to_numpy()
    assert np.array_equal(model.answer_features(table.take(pa.array(order)))["score"].to_numpy(), together[order])
    alone = [model.answer_features(table.slice(place, 1))["score"][0].as_py() for place in range(20)]
    assert alone == together[:20].tolist()


def test_the_order_of_the_rows_holds_no_signal_and_another_costs_none(
    trained: Trained, simulated_customers: Path, tmp_path: Path
) -> None:
    """Another order draws another test slice and other folds: quality moves by their noise only."""
    raw = Table(simulated_customers).read()
    order = np.random.default_rng(3).permutation(raw.num_rows)
    shuffled = write_features(tmp_path / "raw.parquet", raw.take(pa.array(order)))
    features = DuckDBEngine(CHURN_FEATURES).build(shuffled, tmp_path / "features")
    scored = score_out_of_fold(features, CHURN_FEATURES, make_plan(features), CONFIG.lightgbm, CONFIG.catboost, seed=CONFIG.seed)
    auc = [np.mean([roc_auc_score(each.label, score) for score in each.scores[AVERAGE]]) for each in (trained.scored, scored)]
    assert auc[1] == pytest.approx(auc[0], abs=0.03)


def test_shuffled_outcomes_give_chance(tmp_path: Path) -> None:
    raw = simulate(CHURN, 4_000, 9, tmp_path / "raw.parquet").read()
    label = np.random.default_rng(4).permutation(raw[LABEL].to_numpy())
    features = DuckDBEngine(CHURN_FEATURES).build(
        write_features(tmp_path / "noise.parquet", raw, **{LABEL: label}), tmp_path / "features"
    )
    noise = train(tmp_path, features)
    for name in (*CANDIDATES, *REFERENCES):
        found = noise.comparison.models[name]["roc_auc"].value
        assert found == pytest.approx(0.5, abs=0.06)
    customers = read_test(load(noise.bundle), features, noise.plan)
    assert roc_auc_score(customers.label, customers.score) == pytest.approx(0.5, abs=0.1)
    assert customers.probability.mean() == pytest.approx(customers.label.mean(), abs=0.03)
