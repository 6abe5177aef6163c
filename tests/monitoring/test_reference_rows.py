"""Probabilities that are kept to compare with are spread as the model that answers spreads them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.families.training_rows import TrainingRows
from fusionguard.monitoring.reference_rows import carried_over, reference_rows
from fusionguard.monitoring.statistics import ks_chance
from tests.families import third
from tests.families.third import FEATURES, THIRD_FAMILY


@pytest.fixture(autouse=True)
def _third_family(monkeypatch: pytest.MonkeyPatch) -> None:
    third.install(monkeypatch)


def test_probabilities_become_the_quantiles_at_their_place_and_equal_ones_are_spread() -> None:
    before, after = np.array([0.2, 0.4, 0.1, 0.2]), np.array([0.5, 0.05, 0.3, 0.1])
    carried = carried_over(np.array([0.4, 0.2, 0.2, 0.1]), before, after)
    assert carried == pytest.approx([0.425, 0.125, 0.275, 0.06875])


def test_what_lies_beyond_all_that_both_models_know_takes_the_ends() -> None:
    assert carried_over(np.array([0.9, 0.01]), np.array([0.1, 0.5, 0.7]), np.array([0.2, 0.6, 0.3])).tolist() == [0.6, 0.2]


def test_models_that_spread_rows_alike_leave_probabilities_nearly_as_they_are() -> None:
    rng = np.random.default_rng(5)
    before, unseen = rng.beta(1, 6, 3_200), rng.beta(1, 6, 800)
    assert carried_over(unseen, before, before) == pytest.approx(unseen, abs=0.02)


def test_windows_of_a_model_that_answers_lower_are_like_the_reference_once_it_is_carried_over() -> None:
    rng = np.random.default_rng(6)
    before, unseen, window = rng.beta(1, 6, 3_200), rng.beta(1, 6, 800), rng.beta(1, 6, 600)

    def lower(probability: np.ndarray) -> np.ndarray:
        return probability**1.3

    carried = carried_over(unseen, before, lower(before))
    deciles = np.linspace(0.1, 0.9, 9)
    assert np.quantile(carried, deciles) == pytest.approx(np.quantile(lower(unseen), deciles), abs=0.01)
    chances = [ks_chance(_distance(each, lower(window)), 600, 800) for each in (unseen, carried)]
    assert chances[0] < 1e-4 and chances[1] > 0.05


def test_both_models_are_compared_on_rows_that_both_were_fitted_on(tmp_path: Path) -> None:
    evaluated, asked = third.load(third.seal_bundle(tmp_path / "bundle")), []
    table = THIRD_FAMILY.make_features(third.shipments(4_000, 1)).append_column("late", third.shipments(4_000, 1)["late"])
    pq.write_table(table, tmp_path / "training.parquet")
    manifest: Any = SimpleNamespace(negative_weight=1.0, definition=FEATURES)
    plan: Any = SimpleNamespace(unseen_places=lambda features: np.arange(1_000, 1_700))
    rows = TrainingRows(Table(tmp_path / "training.parquet"), manifest, plan)

    def answer(features: pa.Table) -> pa.Table:
        asked.append(features)
        return pa.table({"probability": evaluated.answer_features(features)["probability"].to_numpy() / 2})

    before = reference_rows(evaluated, rows, seed=7)
    delivered: Any = SimpleNamespace(answer_features=answer)
    kept = reference_rows(evaluated, rows, seed=7, delivered=delivered)
    fitted = pa.concat_tables([before.slice(0, 1_000), before.slice(1_700, 2_300)])
    assert len(asked) == 1 and asked[0].equals(fitted.select(asked[0].column_names))
    assert kept.drop_columns("probability").equals(before.drop_columns("probability"))
    old, new = before["probability"].to_numpy(), kept["probability"].to_numpy()
    assert np.array_equal(new[:4_000], old[:4_000])
    assert new[4_000:] == pytest.approx(old[4_000:] / 2, abs=0.01)


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    values = np.concatenate([first, second])
    shares = [np.searchsorted(np.sort(each), values, side="right") / each.size for each in (first, second)]
    return float(np.abs(shares[0] - shares[1]).max())
