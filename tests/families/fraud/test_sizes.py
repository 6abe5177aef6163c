"""What bounds the training of fraud models on many rows."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud import autoencoder, references, sizes
from fusionguard.families.fraud.autoencoder import train_autoencoder
from fusionguard.families.fraud.boosting import fit_booster, train_booster
from fusionguard.families.fraud.config import AutoencoderConfig, XGBoostConfig
from fusionguard.families.fraud.references import score_references
from fusionguard.families.fraud.rows import Encoding, ModelRows
from fusionguard.features.fraud import FRAUD_FEATURES
from tests.payments import DeclaredPayments


@pytest.mark.parametrize(
    ("rows", "features", "trees"),
    [(1_200, 12, 8), (173_387, 31, 8), (173_388, 31, 7), (600_000, 56, 1), (9_000_000, 56, 1)],
)
def test_the_more_numbers_the_fewer_trees_of_a_round(rows: int, features: int, trees: int) -> None:
    assert sizes.settled(XGBoostConfig(), rows, features, frauds=40) == XGBoostConfig(num_parallel_tree=trees)


def test_the_data_set_that_ships_has_all_trees() -> None:
    """Its 284,807 rows are 283,726 without repetitions, of which 170,236 are learned from."""
    assert sizes.settled(XGBoostConfig(), 170_236, len(FRAUD_FEATURES.model_features), frauds=295).num_parallel_tree == 8


def test_what_somebody_set_stays() -> None:
    assert sizes.settled(XGBoostConfig(num_parallel_tree=5), 9_000_000, 56, frauds=295).num_parallel_tree == 5
    assert sizes.settled(XGBoostConfig(max_depth=7), 1_200, 12, frauds=40).max_depth == 7


@pytest.mark.parametrize(("frauds", "depth"), [(1, 2), (99, 2), (100, 3), (40_000, 3)])
def test_few_frauds_have_shallower_trees_where_the_depth_is_left_open(frauds: int, depth: int) -> None:
    assert sizes.settled(XGBoostConfig(max_depth=None), 50_000, 12, frauds=frauds).max_depth == depth


@pytest.mark.parametrize(
    ("rows", "frauds", "bins"),
    [
        (5_000, 320, 256),
        (16_000, 1_000, 256),
        (16_001, 1_000, 257),
        (542_562, 3_973, 2_185),
        (1_000_000, 500, 4_096),
        (100, 0, 1_600),
    ],
)
def test_the_rarer_frauds_are_the_more_bins_where_they_are_left_open(rows: int, frauds: int, bins: int) -> None:
    assert sizes.settled(XGBoostConfig(max_bin=None), rows, 12, frauds=frauds).max_bin == bins
    assert sizes.settled(XGBoostConfig(), rows, 12, frauds=frauds).max_bin == 256
    assert sizes.settled(XGBoostConfig(max_bin=64), rows, 12, frauds=frauds).max_bin == 64


@pytest.mark.parametrize(("bins", "least", "most"), [(None, 50, 60), (256, 0, 0)])
def test_frauds_above_a_limit_come_first_though_they_are_few_among_many_rows(bins: int | None, least: int, most: int) -> None:
    """The 60 highest of 40,000 amounts are frauds, fewer than a bin of 256 holds, besides 140 of any amount."""
    generator = np.random.default_rng(5)
    amount = generator.exponential(50, 40_000).astype(np.float32)
    label, above = np.zeros(40_000, dtype=np.int8), np.argsort(amount)[-60:]
    label[above] = label[generator.choice(40_000, 140, replace=False)] = 1
    rows = ModelRows(amount[:, None], label, np.ones(40_000), Encoding(("amount",), {}))
    config = XGBoostConfig(rounds=5, num_parallel_tree=1, subsample=1, colsample_bytree=1, learning_rate=0.5, max_bin=bins)
    margin = fit_booster(rows, rows, config, seed=3, threads=1).inplace_predict(rows.x, predict_type="margin")
    others = np.delete(margin, above).max()
    assert least <= np.count_nonzero(margin[above] > others) <= most


def test_many_rows_are_sampled_once_each_in_their_order_and_few_are_all_taken() -> None:
    places = sizes.sampled(200_001, seed=3)
    assert isinstance(places, np.ndarray)
    assert len(places) == 200_000
    assert (np.diff(places) > 0).all()
    assert places[-1] >= 199_999
    assert sizes.sampled(200_000, seed=3) == slice(None)


def _train_booster(payments: DeclaredPayments) -> tuple[dict[str, str | None], int]:
    rows, config = payments.rows, XGBoostConfig(rounds=3)
    assert isinstance(rows.plan, SplitPlan)
    booster = train_booster(rows.features, rows.plan, config, negative_weight=1.0, seed=7, definition=rows.definition)
    return booster.attributes(), len(booster.get_dump())


def test_a_bound_of_the_trees_is_told_and_kept_with_them(
    payments: DeclaredPayments, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    attributes, trees = _train_booster(payments)
    assert trees == 3 * 8
    assert "trees_of_a_round" not in attributes
    numbers = payments.rows.plan.train.rows * len(payments.rows.definition.model_features)
    monkeypatch.setattr(sizes, "_CELLS", 2 * numbers)
    with caplog.at_level(logging.INFO):
        attributes, trees = _train_booster(payments)
    assert trees == 3 * 2
    assert attributes["trees_of_a_round"] == f"2 instead of 8, for the train slice holds {numbers:,} numbers"
    assert f"2 instead of 8, for the train slice holds {numbers:,} numbers" in caplog.text


def test_autoencoder_and_references_say_from_how_many_rows_they_learned(
    payments: DeclaredPayments, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rows = payments.rows
    assert isinstance(rows.plan, SplitPlan)
    for module in (sizes, autoencoder, references):
        monkeypatch.setattr(module, "SAMPLED_ROWS", 700)
    with caplog.at_level(logging.INFO):
        config = AutoencoderConfig(latent_sizes=(2,), epochs=1)
        graph = train_autoencoder(rows.features, rows.plan, config, negative_weight=1.0, seed=7, definition=rows.definition)
        score_references(rows.features, rows.plan, negative_weight=1.0, seed=7, definition=rows.definition)
    legitimate = rows.plan.train.rows - rows.plan.train.positives
    assert graph is not None
    assert {prop.key: prop.value for prop in graph.metadata_props}["rows"] == f"700 of {legitimate:,} legitimate ones"
    assert f"autoencoder: fitted on 700 of {legitimate:,} legitimate ones" in caplog.text
    assert f"references: fitted on 700 of {rows.plan.train.rows:,} rows" in caplog.text
