"""The test slice and the folds: stratified, disjoint, the same for the same seed, and known by one identity."""

from __future__ import annotations

import numpy as np
import pytest

from fusionguard.config import HoldoutConfig
from fusionguard.errors import DataError
from fusionguard.evaluation.holdout import HoldoutPlan, plan_holdout
from fusionguard.evaluation.metrics import Labels
from fusionguard.evaluation.planned_rows import PlannedRows

FEATURES = "f" * 64
CONFIG = HoldoutConfig(test=0.2, folds=5, repeats=3)


@pytest.fixture(scope="module")
def label() -> Labels:
    return (np.random.default_rng(1).random(1_003) < 0.2).astype(np.int8)


def _plan(label: Labels, *, seed: int = 7, features_sha256: str = FEATURES, **changes: float) -> HoldoutPlan:
    return plan_holdout(PlannedRows(label), features_sha256, HoldoutConfig(**{**CONFIG.model_dump(), **changes}), seed=seed)


def test_the_parts_are_disjoint_whole_and_stratified(label: Labels) -> None:
    plan = _plan(label)
    development, test = plan.places(PlannedRows(label))
    assert sorted([*development, *test]) == list(range(1_003))
    assert np.all(np.diff(development) > 0)
    assert np.all(np.diff(test) > 0)
    positives = int(label.sum())
    assert (plan.rows, plan.positives) == (1_003, positives)
    assert label[test].sum() == round(0.2 * positives) == plan.test_positives
    assert test.size - label[test].sum() == round(0.2 * (1_003 - positives))
    assert (test.size, development.size) == (plan.test_rows, plan.development_rows)


def test_the_test_slice_is_drawn_from_the_whole_table(label: Labels) -> None:
    _, test = _plan(label).places(PlannedRows(label))
    per_tenth = np.histogram(test, bins=10, range=(0, 1_003))[0]
    assert per_tenth.min() > 8, "20 of each hundred are expected: a slice from one end would leave tenths empty"


def test_each_repeat_partitions_the_development_part_and_repeats_differ(label: Labels) -> None:
    plan = _plan(label)
    development, _ = plan.places(PlannedRows(label))
    known = label[development]
    folds = plan.fold_places(PlannedRows(known))
    assert len(folds) == 15
    for rest, places in folds:
        assert not set(rest) & set(places)
        assert rest.size + places.size == development.size
        assert known[places].mean() == pytest.approx(known.mean(), abs=1 / places.size)
    judged = [np.concatenate([places for _, places in folds[start : start + 5]]) for start in (0, 5, 10)]
    assert all(np.array_equal(np.sort(places), np.arange(development.size)) for places in judged)
    assert not np.array_equal(folds[0][1], folds[5][1])


def test_the_same_seed_gives_the_same_parts_and_another_seed_others(label: Labels) -> None:
    plan, again, other = _plan(label), _plan(label.copy()), _plan(label, seed=8)
    assert again == plan
    development, test = plan.places(PlannedRows(label))
    assert np.array_equal(again.places(PlannedRows(label))[1], test)
    assert not np.array_equal(other.places(PlannedRows(label))[1], test)
    pairs = zip(
        plan.fold_places(PlannedRows(label[development])), again.fold_places(PlannedRows(label[development])), strict=True
    )
    assert all(np.array_equal(one[1], two[1]) for one, two in pairs)


def test_a_plan_survives_json(label: Labels) -> None:
    plan = _plan(label)
    read = HoldoutPlan.model_validate_json(plan.model_dump_json())
    assert read == plan
    assert read.sha256 == plan.sha256


def test_the_identity_is_that_of_the_test_slice(label: Labels) -> None:
    plan = _plan(label)
    others = [_plan(label, seed=8), _plan(label, test=0.25), _plan(label, features_sha256="e" * 64)]
    assert len({plan.sha256, *(other.sha256 for other in others)}) == 4
    for same in (_plan(label, folds=3), _plan(label, repeats=1)):
        assert same.sha256 == plan.sha256
        assert np.array_equal(same.places(PlannedRows(label))[1], plan.places(PlannedRows(label))[1])


@pytest.mark.parametrize("outcome", [0, 1])
def test_too_few_of_one_class_are_refused_with_what_to_do(outcome: int) -> None:
    label = np.full(500, 1 - outcome, dtype=np.int8)
    label[::45] = outcome  # 12 of them: 10 are left for 5 folds
    assert _plan(label).test_rows == 100
    label[45] = 1 - outcome
    name = "positive" if outcome else "negative"
    with pytest.raises(DataError, match=rf"Only 11 rows are {name}: too few .* 5 folds\. .*--set holdout\.folds=3"):
        _plan(label)
    assert _plan(label, folds=3).folds == 3


def test_a_test_slice_without_positives_is_refused() -> None:
    label = np.zeros(500, dtype=np.int8)
    label[:12] = 1
    with pytest.raises(DataError, match="Only 12 rows are positive"):
        _plan(label, test=0.02, folds=2)


@pytest.mark.parametrize("change", ["a row less", "a positive less"])
def test_another_table_is_refused(label: Labels, change: str) -> None:
    other = label.copy()
    if change == "a row less":
        other = other[:-1] if not other[-1] else np.delete(other, np.flatnonzero(other == 0)[0])
    else:
        other[np.flatnonzero(other)[0]] = 0
    with pytest.raises(DataError, match="belongs to another feature table"):
        _plan(label).places(PlannedRows(other))


def test_a_single_leaver_is_enough_to_hold_out() -> None:
    label = np.zeros(500, dtype=np.int8)
    label[:12] = 1
    plan = _plan(label, test=0.1, folds=2)
    assert (plan.test_positives, plan.test_rows, plan.development_rows) == (1, 1 + 49, 450)
    assert (plan.positives, plan.rows, plan.test_share, plan.folds, plan.repeats, plan.seed) == (12, 500, 0.1, 2, 3, 7)
    assert plan.features_sha256 == FEATURES


def test_there_are_as_many_folds_as_the_plan_says(label: Labels) -> None:
    plan = _plan(label, folds=4, repeats=2)
    development, _ = plan.places(PlannedRows(label))
    folds = plan.fold_places(PlannedRows(label[development]))
    assert len(folds) == 8
    assert [places.size for _, places in folds] == pytest.approx([development.size / 4] * 8, abs=1)


def test_the_customers_that_a_plan_holds_out_stay_the_same_from_release_to_release() -> None:
    """A plan keeps no list of rows: drawn in another order, say leavers first, an old plan would hold out others."""
    label = np.zeros(24, dtype=np.int8)
    label[[1, 4, 5, 9, 16, 22, 23]] = 1
    development, test = _plan(label, test=0.3, folds=2).places(PlannedRows(label))
    assert test.tolist() == [2, 4, 6, 10, 12, 16, 21]
    assert development.tolist() == [0, 1, 3, 5, 7, 8, 9, 11, 13, 14, 15, 17, 18, 19, 20, 22, 23]
