"""Outcomes that come in groups: their design effect is measured, kept with the reference, and keeps campaigns from alarming."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.datasets.creditcard.fraud_model import load_statistics
from fusionguard.datasets.creditcard.simulator import make_plan
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring import statistics
from fusionguard.monitoring.reference_rows import design_effect, kept_design_effect, kept_reference, with_design_effect
from fusionguard.proportions import difference_interval
from tests.monitoring.windows import fraud_window


def grouped(rows: int, groups: int, size: int, rng: np.random.Generator) -> np.ndarray:
    label = np.zeros(rows, dtype=np.int8)
    for start in rng.integers(0, rows - 100, groups):
        label[start + rng.integers(0, 100, size)] = 1
    return label


def test_independent_outcomes_have_none() -> None:
    rng = np.random.default_rng(1)
    effects = [design_effect((rng.random(100_000) < 0.003).astype(np.int8)) for _ in range(30)]
    assert np.mean(effects) == pytest.approx(1.05, abs=0.07)
    assert min(effects) == 1.0


def test_a_rhythm_of_the_day_is_none() -> None:
    rng = np.random.default_rng(2)
    rate = 0.003 * (1 + np.sin(np.linspace(0, 4 * np.pi, 200_000)))
    assert design_effect((rng.random(200_000) < rate).astype(np.int8)) < 1.5


@pytest.mark.parametrize("size", [4, 8])
def test_groups_of_equal_size_have_their_size(size: int) -> None:
    rng = np.random.default_rng(3)
    effects = [design_effect(grouped(300_000, 800 // size, size, rng)) for _ in range(20)]
    assert np.mean(effects) == pytest.approx(size, rel=0.15)


def test_the_simulators_campaigns_are_measured() -> None:
    """Half of its frauds are alone and half in campaigns of geometric size with mean 5, whose effect is 9: 5 on the whole, and
    what their number changes from hour to hour adds some."""
    effects = []
    for seed in range(12):
        plan = make_plan(284_807, seed, load_statistics())
        label = np.zeros(int(plan.fraud_positions[-1]) + 1, dtype=np.int8)
        label[plan.fraud_positions] = 1
        effects.append(design_effect(label))
    assert 4 < np.mean(effects) < 8


def test_few_outcomes_tell_nothing() -> None:
    assert design_effect(grouped(10_000, 6, 8, np.random.default_rng(4))) == 1.0


def test_rows_carry_it_through_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    pq.write_table(with_design_effect(pa.table({"x": [1, 2]}), 4.25), file)
    assert kept_design_effect(Table(file)) == 4.25
    pq.write_table(pa.table({"x": [1]}), file)
    assert kept_design_effect(Table(file)) == 1.0


def test_a_reference_of_kept_rows_has_it(fraud_profile_bundle: Bundle, tmp_path: Path) -> None:
    rows = fraud_window(1_000, 95).drop_columns(["time", "score"]).append_column("unseen", pa.array([False] * 1_000))
    pq.write_table(with_design_effect(rows, 4.25), tmp_path / "reference.parquet")
    reference = kept_reference(fraud_profile_bundle, Table(tmp_path / "reference.parquet"), scratch=tmp_path, seed=1)
    assert reference.design_effect == 4.25
    assert reference.unjudged == frozenset(), "the model was fitted on twenty days, which show all hours"
    assert reference.flagged == (int(np.sum(rows["decision"].to_numpy(zero_copy_only=False) == "review")), 1_000)


def test_grouped_counts_alarm_no_more_often_than_they_may() -> None:
    """Counts of 5-row campaigns: independent tests call one window in ten impossible, divided ones keep their word."""
    rng = np.random.default_rng(5)
    window, reference = 5 * rng.poisson(8, 2_000), 5 * rng.poisson(32, 2_000)
    plain, allowed = (
        np.array(
            [
                statistics.proportions_chance(hits, 20_000, before, 80_000, design_effect=effect)
                for hits, before in zip(window, reference, strict=True)
            ]
        )
        for effect in (1.0, 5.0)
    )
    assert (plain <= 0.01).mean() > 0.1
    assert (allowed <= 0.01).mean() <= 0.015
    assert (allowed <= 0.05).mean() <= 0.06


def test_whole_counts_are_tested_as_before() -> None:
    assert statistics.proportions_chance(20, 500, 10, 5_000, design_effect=5) == statistics.proportions_chance(4, 100, 2, 1_000)
    assert statistics.beyond_extreme_chance(10, 100, 300, design_effect=5) == statistics.beyond_extreme_chance(2, 100, 300)
    assert statistics.beyond_extreme_chance(1, 100, 300, design_effect=5) == 0.25
    narrow, wide = (difference_interval(56, 70, 48, 80, design_effect=effect) for effect in (1.0, 4.0))
    assert wide[1] - wide[0] == pytest.approx(2 * (narrow[1] - narrow[0]), rel=0.05)
