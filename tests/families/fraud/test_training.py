"""Training reads what it may, repeats itself to the bit, and learns nothing from noise."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from fusionguard.data.table import Table
from fusionguard.families.fraud import boosting
from fusionguard.families.fraud.boosting import train_booster
from fusionguard.families.fraud.config import XGBoostConfig
from fusionguard.families.fraud.model import load
from fusionguard.families.fraud.reading import read_test
from fusionguard.families.fraud.references import LOGISTIC_REGRESSION, XGBOOST_DEFAULTS, score_references
from fusionguard.families.fraud.rows import read_slice

from .conftest import CONFIG, Trained, draw_features, train


def test_the_same_seed_and_data_give_the_same_bundle(trained: Trained, tmp_path: Path) -> None:
    again = train(tmp_path, trained.features)
    assert again.bundle.sha256 == trained.bundle.sha256


def test_the_bundle_does_not_depend_on_how_the_table_is_stored(trained: Trained, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    whole = trained.features.read()
    for number, start in enumerate(range(0, whole.num_rows, 1_300)):
        pq.write_table(whole.slice(start, 1_300), parts / f"part-{number}.parquet")
    assert train(tmp_path, Table(parts)).bundle.sha256 == trained.bundle.sha256


def test_another_seed_gives_another_booster(trained: Trained) -> None:
    other = train_booster(trained.features, trained.plan, CONFIG.xgboost, negative_weight=1.0, seed=CONFIG.seed + 1)
    assert bytes(other.save_raw("ubj")) != bytes(trained.booster.save_raw("ubj"))


def test_no_row_of_the_test_slice_is_seen_by_any_fit(trained: Trained, tmp_path: Path) -> None:
    whole = trained.features.read()
    start = trained.plan.test.start
    ruined = {name: np.array(whole[name].to_numpy()) for name in whole.column_names}
    for name, values in ruined.items():
        if name not in ("time_seconds", "Class"):
            values[start:] = 1_000
    ruined["Class"][start:] = 1 - ruined["Class"][start:]
    path = tmp_path / "ruined.parquet"
    pq.write_table(pa.table(ruined, schema=whole.schema), path)
    again = train(tmp_path, Table(path))
    assert again.bundle.sha256 == trained.bundle.sha256


def test_a_fit_would_notice_a_changed_train_row(trained: Trained, tmp_path: Path) -> None:
    whole = trained.features.read()
    changed = np.array(whole["V1"].to_numpy())
    changed[: trained.plan.train.stop] *= 2
    path = tmp_path / "changed.parquet"
    pq.write_table(whole.set_column(whole.column_names.index("V1"), "V1", pa.array(changed)), path)
    assert train(tmp_path, Table(path)).bundle.sha256 != trained.bundle.sha256


def test_shuffled_labels_give_chance(tmp_path: Path) -> None:
    noise = train(tmp_path, draw_features(tmp_path / "noise.parquet", rows=8_000, shuffle_labels=True))
    rows = read_test(load(noise.bundle), noise.features, noise.plan, 1.0)
    assert abs(roc_auc_score(rows.label, rows.score) - 0.5) < 0.12
    assert average_precision_score(rows.label, rows.score) < 2.5 * rows.label.mean()


def test_real_signal_is_found(trained: Trained) -> None:
    rows = read_test(load(trained.bundle), trained.features, trained.plan, 1.0)
    assert roc_auc_score(rows.label, rows.score) > 0.9
    assert np.average(rows.probability) == pytest.approx(rows.label.mean(), rel=0.5)


def test_segments_end_early_and_keep_the_best_round(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boosting, "SEGMENT_ROUNDS", 10)
    config = XGBoostConfig(rounds=500, num_parallel_tree=2, early_stopping_rounds=20, learning_rate=0.5)
    booster = train_booster(trained.features, trained.plan, config, negative_weight=1.0, seed=1)
    rounds = int(booster.attr("rounds") or 0)
    assert rounds == booster.num_boosted_rounds() < 500


def test_every_round_is_kept_unless_somebody_asks_to_stop_early(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """With few frauds on validation the best round is a matter of luck: here it comes early, and is not looked for."""
    monkeypatch.setattr(boosting, "SEGMENT_ROUNDS", 10)
    settings = {"rounds": 35, "num_parallel_tree": 3, "learning_rate": 0.8}
    configs = (XGBoostConfig(**settings, early_stopping_rounds=early) for early in (None, 5))  # type: ignore[arg-type]
    whole, stopped = (train_booster(trained.features, trained.plan, config, negative_weight=1.0, seed=1) for config in configs)
    assert stopped.num_boosted_rounds() < whole.num_boosted_rounds() == 35
    assert float(whole.attr("validation_average_precision") or 0) < float(stopped.attr("validation_average_precision") or 0)
    assert len(whole.get_dump()) == 3 * 35


def test_more_trees_a_round_make_the_model_less_a_draw_of_its_seed(trained: Trained) -> None:
    """The spread of a margin over seeds falls with the root of their number: four times as many, half of it."""
    test = read_slice(trained.features, trained.plan.test, 1.0)

    def spread(trees: int) -> float:
        config = XGBoostConfig(rounds=8, num_parallel_tree=trees, learning_rate=0.3)
        boosters = [train_booster(trained.features, trained.plan, config, negative_weight=1.0, seed=seed) for seed in range(6)]
        return float(np.std([booster.inplace_predict(test.x, predict_type="margin") for booster in boosters], axis=0).mean())

    assert spread(16) / spread(4) == pytest.approx(0.5, abs=0.1)


def test_sampled_legitimate_rows_shift_probabilities_to_the_real_prior(trained: Trained, tmp_path: Path) -> None:
    sampled = train(tmp_path, trained.features, negative_weight=20.0)
    x = trained.features.read()
    plain = load(trained.bundle).score(x)
    corrected = load(sampled.bundle).score(x)
    shift = np.median(corrected.score - plain.score)
    assert shift == pytest.approx(-math.log(20.0), abs=1.5)


def test_references_are_calibrated_probabilities_of_the_test_slice(trained: Trained) -> None:
    scores = score_references(trained.features, trained.plan, negative_weight=1.0, seed=0)
    assert set(scores) == {LOGISTIC_REGRESSION, XGBOOST_DEFAULTS}
    for probability in scores.values():
        assert probability.shape == (trained.plan.test.rows,)
        assert probability.mean() == pytest.approx(0.04, abs=0.02)


def test_references_do_not_see_the_labels_they_are_judged_by(trained: Trained, tmp_path: Path) -> None:
    whole = trained.features.read()
    turned = np.array(whole["Class"].to_numpy())
    turned[trained.plan.test.start :] = 1 - turned[trained.plan.test.start :]
    path = tmp_path / "turned.parquet"
    pq.write_table(whole.set_column(whole.column_names.index("Class"), "Class", pa.array(turned)), path)
    scores = score_references(trained.features, trained.plan, negative_weight=1.0, seed=0)
    again = score_references(Table(path), trained.plan, negative_weight=1.0, seed=0)
    assert all(np.array_equal(scores[name], again[name]) for name in scores)
