"""What plans keep whatever rows come: whole customers, whole seconds, and no outcome before it was known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fusionguard.config import HoldoutConfig, SplitConfig
from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.cuts import ENOUGH_POSITIVES
from fusionguard.evaluation.holdout import HoldoutPlan, plan_holdout
from fusionguard.evaluation.planned_rows import NEVER, PlannedColumns, PlannedRows
from fusionguard.evaluation.splits import SplitPlan, plan_split

SLOW = settings(max_examples=40, derandomize=True, deadline=None, database=None)
SHARES = [(0.6, 0.1, 0.1, 0.2), (0.45, 0.2, 0.15, 0.2), (0.31, 0.19, 0.27, 0.23)]
GROUPED = PlannedColumns(label="outcome", group="owner")
DATED = PlannedColumns(label="outcome", time="second", known="known")


@st.composite
def grouped_rows(draw: st.DrawFn) -> PlannedRows:
    """Draw rows of customers who lie beside each other, of whom some have many rows, numbered in no order."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = rng.geometric(draw(st.sampled_from([0.25, 0.6, 1.0])), draw(st.integers(70, 200)))
    group = np.repeat(rng.permutation(sizes.size) + 3, sizes)
    label = (rng.random(group.size) < draw(st.sampled_from([0.12, 0.3, 0.6]))).astype(np.int8)
    return PlannedRows(label, group=group, columns=GROUPED)


@st.composite
def dated_rows(draw: st.DrawFn) -> PlannedRows:
    """Draw rows in order of time, whose outcomes are known at once or up to a third of the time later."""
    size = draw(st.integers(150, 400))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    span = draw(st.sampled_from([60, 400, 100_000]))
    seconds = np.sort(rng.integers(0, span, size))
    known = seconds + rng.integers(0, 1 + span * draw(st.sampled_from([0, 1, 5, 30])) // 100, size)
    label = (rng.random(size) < draw(st.sampled_from([0.2, 0.5, 0.7]))).astype(np.int8)
    end = int(seconds[-1] if draw(st.booleans()) else known.max())
    return PlannedRows(label, seconds, np.where(known <= end, known, NEVER), columns=DATED)


def split(rows: PlannedRows, shares: tuple[float, float, float, float]) -> SplitPlan:
    names = ("train", "validation", "calibration", "test")
    try:
        return plan_split(rows, SplitConfig(**dict(zip(names, shares, strict=True))))
    except DataError as error:
        assert "positive ones, too few or too close together" in str(error) or "too late" in str(error)
        assume(False)
        raise


def holdout(rows: PlannedRows, share: float, folds: int, repeats: int = 2) -> HoldoutPlan:
    try:
        return plan_holdout(rows, "a" * 64, HoldoutConfig(test=share, folds=folds, repeats=repeats), seed=rows.count)
    except DataError as error:
        assert "positive" in str(error) or "one class" in str(error) or "too late" in str(error)
        assume(False)
        raise


def owners(rows: PlannedRows, places: np.ndarray | slice) -> set[int]:
    assert rows.group is not None
    return set(rows.group[places].tolist())


@SLOW
@given(grouped_rows(), st.sampled_from(SHARES))
def test_no_slice_parts_a_customer(rows: PlannedRows, shares: tuple[float, float, float, float]) -> None:
    slices = list(split(rows, shares).slices().values())
    assert (slices[0].start, slices[-1].stop) == (0, rows.count)
    for before, after in pairwise(slices):
        assert before.stop == after.start
        assert rows.group is not None and rows.group[before.stop - 1] != rows.group[after.start]
    largest = np.unique(rows.group, return_counts=True)[1].max()
    borders = np.round(np.cumsum((0, *shares)) * rows.count).astype(int)
    rich = all(rows.label[first + largest : last - largest].sum() >= ENOUGH_POSITIVES for first, last in pairwise(borders))
    for part, share in zip(slices, shares, strict=True):
        assert (part.first_second, part.last_second, part.unknown_rows) == (None, None, 0)
        assert 0 < part.positives == rows.label[part.start : part.stop].sum() < part.rows
        assert not rich or abs(part.rows - share * rows.count) <= largest + 1


@SLOW
@given(grouped_rows(), st.sampled_from([0.15, 0.2, 0.43]), st.integers(2, 4))
def test_the_test_slice_and_the_folds_hold_whole_customers_in_their_shares(rows: PlannedRows, share: float, folds: int) -> None:
    plan = holdout(rows, share, folds)
    development, test = plan.places(rows)
    assert np.array_equal(np.sort(np.concatenate([development, test])), np.arange(rows.count))
    assert not owners(rows, development) & owners(rows, test)
    largest = np.unique(rows.group, return_counts=True)[1].max()
    assert abs(test.size - share * rows.count) <= 2 * largest + share * rows.count * 0.35
    owned = np.bincount(rows.group - 3, weights=rows.label)
    assert abs(rows.label[test].sum() - share * rows.positives) <= owned.max() / 2 + 1e-9
    known = rows.take(development)
    pairs = plan.fold_places(known)
    assert len(pairs) == 2 * folds
    for repeat in (pairs[:folds], pairs[folds:]):
        assert np.array_equal(np.sort(np.concatenate([places for _, places in repeat])), np.arange(development.size))
        for fitted, places in repeat:
            assert np.array_equal(np.sort(np.concatenate([fitted, places])), np.arange(development.size))
            assert not owners(known, fitted) & owners(known, places)
            assert abs(known.label[places].sum() - known.positives / folds) <= owned.max() + 1e-9
    assert any(not np.array_equal(one[1], two[1]) for one, two in zip(pairs[:folds], pairs[folds:], strict=True))


@SLOW
@given(dated_rows(), st.sampled_from(SHARES))
def test_a_slice_uses_what_was_known_when_the_test_slice_begins(
    tmp_path_factory: pytest.TempPathFactory, rows: PlannedRows, shares: tuple[float, float, float, float]
) -> None:
    assert rows.seconds is not None and rows.known is not None
    plan = split(rows, shares)
    slices = list(plan.slices().values())
    assert [slices[0].start, *(part.stop for part in slices)] == [*(part.start for part in slices), rows.count]
    moments = [int(rows.seconds[plan.test.start])] * 3 + [NEVER - 1]
    features = Table(tmp_path_factory.mktemp("dated") / "features.parquet")
    pq.write_table(rows.table().append_column("place", pa.array(np.arange(rows.count))), features.path)
    for number, (part, moment) in enumerate(zip(slices, moments, strict=True)):
        every = np.arange(part.start, part.stop)
        used = every[rows.known[every] <= moment]
        assert np.array_equal(part.places(features), used)
        assert part.read(features, ["place"])["place"].to_pylist() == used.tolist()
        assert (part.rows, part.unknown_rows) == (used.size, every.size - used.size)
        assert 0 < part.positives == rows.label[used].sum() < part.rows
        assert number == 0 or rows.seconds[part.start - 1] < rows.seconds[part.start]
    assert PlannedColumns.read(plan.columns, features).known_by(moments[0]).tolist() == (rows.known <= moments[0]).tolist()


@SLOW
@given(dated_rows(), st.sampled_from([0.2, 0.33]), st.integers(2, 4))
def test_folds_go_forward_and_learn_only_what_was_known(rows: PlannedRows, share: float, folds: int) -> None:
    assert rows.seconds is not None and rows.known is not None
    plan = holdout(rows, share, folds)
    development, test = plan.places(rows)
    begins = rows.seconds[test].min()
    assert rows.seconds[development].max() < begins
    assert rows.known[development].max() <= begins
    left_out = np.setdiff1d(np.arange(rows.count), np.concatenate([development, test]))
    assert np.all(rows.known[left_out] > np.where(rows.seconds[left_out] < begins, begins, NEVER - 1))
    assert (plan.rows, plan.unknown_rows, plan.test_rows) == (rows.count, left_out.size, test.size)
    assert plan.development_rows == development.size and plan.development_positives == rows.label[development].sum()
    assert (plan.test_positives, plan.unknown_positives) == (rows.label[test].sum(), rows.label[left_out].sum())
    assert plan.repeats == 1
    known = rows.take(development)
    assert known.seconds is not None and known.known is not None
    pairs = plan.fold_places(known)
    assert len(pairs) == folds
    for fitted, places in pairs:
        first = known.seconds[places].min()
        earlier = np.flatnonzero(known.seconds < first)
        assert np.array_equal(fitted, earlier[known.known[earlier] <= first])
    judged = np.concatenate([places for _, places in pairs])
    assert np.array_equal(judged, np.arange(pairs[0][1][0], development.size))
