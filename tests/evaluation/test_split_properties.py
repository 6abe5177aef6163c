"""What every split keeps, whatever rows come: order in time, no second parted, every row once, and no test row in a fold."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fusionguard.config import HoldoutConfig, SplitConfig
from fusionguard.errors import DataError
from fusionguard.evaluation.cuts import ENOUGH_POSITIVES
from fusionguard.evaluation.forward_folds import MINIMUM_POSITIVES, forward_folds
from fusionguard.evaluation.holdout import HoldoutPlan, plan_holdout
from fusionguard.evaluation.planned_rows import PlannedColumns, PlannedRows
from fusionguard.evaluation.splits import plan_split

SLOW = settings(max_examples=40, derandomize=True, deadline=None, database=None)
TIMED = PlannedColumns(time="second")
SHARES = [(0.6, 0.1, 0.1, 0.2), (0.45, 0.2, 0.15, 0.2), (0.31, 0.19, 0.27, 0.23)]


@st.composite
def timed_rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows in order of time, with many or few in one second, and their labels."""
    size = draw(st.integers(60, 400))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    seconds = np.sort(rng.integers(0, draw(st.sampled_from([40, 300, 100_000])), size))
    label = (rng.random(size) < draw(st.sampled_from([0.2, 0.5, 0.7]))).astype(np.int8)
    return seconds, label


@SLOW
@given(timed_rows(), st.sampled_from(SHARES))
def test_a_chronological_split_keeps_order_and_seconds(
    rows: tuple[np.ndarray, np.ndarray], shares: tuple[float, float, float, float]
) -> None:
    seconds, label = rows
    names = ("train", "validation", "calibration", "test")
    try:
        plan = plan_split(PlannedRows(label, seconds, columns=TIMED), SplitConfig(**dict(zip(names, shares, strict=True))))
    except DataError as error:
        assert "slice" in str(error)  # of one class only
        assume(False)
    slices = list(plan.slices().values())
    assert list(plan.slices()) == list(names)
    assert (slices[0].start, slices[-1].stop) == (0, seconds.size)
    for before, after in pairwise(slices):
        assert before.stop == after.start
        assert before.last_second < after.first_second
    widest = np.unique(seconds, return_counts=True)[1].max()
    borders = np.round(np.cumsum((0, *shares)) * seconds.size).astype(int)
    # Where the shares leave a slice with few frauds, its cuts move; a cut between seconds may give up those of its own second.
    rich = all(label[first + widest : last - widest].sum() >= ENOUGH_POSITIVES for first, last in pairwise(borders))
    for part, share in zip(slices, shares, strict=True):
        own = slice(part.start, part.stop)
        assert (part.first_second, part.last_second) == (seconds[own].min(), seconds[own].max())
        assert part.positives == label[own].sum()
        assert 0 < part.positives < part.rows == part.stop - part.start
        assert not rich or abs(part.rows - share * seconds.size) <= widest + 1


@SLOW
@given(timed_rows(), st.integers(2, 4))
def test_forward_folds_go_from_past_to_future(rows: tuple[np.ndarray, np.ndarray], folds: int) -> None:
    seconds, label = rows
    try:
        found = forward_folds(PlannedRows(label, seconds, columns=TIMED), folds, stops=True)
    except DataError:
        assume(False)
    assert len(found) == folds
    widest = np.unique(seconds, return_counts=True)[1].max()
    for number, fold in enumerate(found):
        fitted, stopping, judged = fold.fitted, fold.stopping, fold.judged
        assert (fitted.start, fitted.stop, stopping.stop) == (0, stopping.start, judged.start)
        assert seconds[fitted].max() < seconds[stopping].min() <= seconds[stopping].max() < seconds[judged].min()
        assert abs(fitted.stop - (number + 2) * seconds.size / (folds + 3)) <= widest + 1
        for part in (stopping, judged):
            assert label[part].sum() >= MINIMUM_POSITIVES and not label[part].all()
    for before, after in pairwise(found):
        assert after.fitted.stop == before.stopping.stop and after.stopping == before.judged
    assert found[-1].judged.stop == seconds.size


@SLOW
@given(
    st.integers(0, 2**32 - 1),
    st.integers(90, 600),
    st.sampled_from([0.12, 0.37, 0.6]),
    st.sampled_from([0.1, 0.2, 0.43]),
    st.integers(2, 4),
    st.integers(1, 3),
)
def test_the_holdout_is_stratified_and_no_fold_touches_it(
    seed: int, size: int, churn: float, share: float, folds: int, repeats: int
) -> None:
    label = (np.random.default_rng(seed).random(size) < churn).astype(np.int8)
    plan: HoldoutPlan | None = None
    try:
        plan = plan_holdout(PlannedRows(label), "a" * 64, HoldoutConfig(test=share, folds=folds, repeats=repeats), seed=seed)
    except DataError:
        assume(False)
    assert plan is not None
    development, test = plan.places(PlannedRows(label))
    assert np.array_equal(np.sort(np.concatenate([development, test])), np.arange(size))
    for outcome in (0, 1):
        whole, held_out = (np.count_nonzero(part == outcome) for part in (label, label[test]))
        assert held_out == round(share * whole)
    assert (plan.test_rows, plan.test_positives) == (test.size, label[test].sum())
    assert plan.development_rows == development.size
    known = label[development]
    pairs = plan.fold_places(PlannedRows(known))
    assert len(pairs) == folds * repeats
    for repeat in range(repeats):
        own = pairs[repeat * folds : (repeat + 1) * folds]
        judged = np.concatenate([places for _, places in own])
        assert np.array_equal(np.sort(judged), np.arange(development.size))
        for fitted, places in own:
            assert np.array_equal(np.sort(np.concatenate([fitted, places])), np.arange(development.size))
            assert not np.isin(development[np.concatenate([fitted, places])], test).any()
            for outcome in (0, 1):
                assert abs(np.count_nonzero(known[places] == outcome) - np.count_nonzero(known == outcome) / folds) < 1
