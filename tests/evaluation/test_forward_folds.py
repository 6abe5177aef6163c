"""Folds go forward in time, part no second, and refuse parts with too few frauds."""

from __future__ import annotations

import numpy as np
import pytest

from fusionguard.errors import DataError
from fusionguard.evaluation.forward_folds import MINIMUM_POSITIVES, ForwardFold, forward_folds
from fusionguard.evaluation.planned_rows import PlannedRows

LABEL = np.array([0, 1] * 30, dtype=np.int8)


def test_each_fold_follows_the_one_before_and_the_last_ends_with_the_rows() -> None:
    assert forward_folds(PlannedRows(LABEL, np.arange(60)), 3, stops=True) == (
        ForwardFold(slice(0, 20), slice(20, 30), slice(30, 40)),
        ForwardFold(slice(0, 30), slice(30, 40), slice(40, 50)),
        ForwardFold(slice(0, 40), slice(40, 50), slice(50, 60)),
    )


def test_rows_of_one_second_stay_together() -> None:
    seconds = np.arange(120)
    seconds[55:66] = 55
    first, second, _ = forward_folds(PlannedRows(np.tile(LABEL, 2), seconds), 3, stops=True)
    assert first == ForwardFold(slice(0, 40), slice(40, 55), slice(55, 80))
    assert second == ForwardFold(slice(0, 55), slice(55, 80), slice(80, 100))


@pytest.mark.parametrize(
    ("label", "what"),
    [
        (np.where(np.arange(60) < 50, LABEL, 0), "rows 50 to 60 hold 0 in 10"),
        (np.where(np.isin(np.arange(60), [21, 23]), 0, LABEL), "rows 20 to 30 hold 3 in 10"),
        (np.where(np.arange(60) < 10, 1, LABEL), "rows 0 to 10 hold 10 in 10"),
        (np.where(np.arange(60) // 10 == 2, 1, LABEL), "rows 20 to 30 hold 10 in 10"),
    ],
)
def test_a_part_without_enough_frauds_among_others_is_named(label: np.ndarray, what: str) -> None:
    assert LABEL[20:30].sum() == MINIMUM_POSITIVES
    with pytest.raises(DataError, match=f"^Tuning on 3 consecutive folds .* {what}") as caught:
        forward_folds(PlannedRows(label.astype(np.int8), np.arange(60)), 3, stops=True)
    assert "tuning.trials=0" in caught.value.remedy


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_a_handful_of_rows_is_refused_too(rows: int) -> None:
    with pytest.raises(DataError, match="needs 5 positive rows"):
        forward_folds(PlannedRows(LABEL[:rows], np.arange(rows)), 3, stops=True)


def test_what_was_not_known_when_the_judged_rows_begin_is_not_learned_from() -> None:
    seconds = 100 * np.arange(60)
    known = seconds + np.where(LABEL == 1, 0, 450)  # frauds are known at once, the others four and a half rows later
    known[22], known[24] = 3_100, 4_050
    first, second, third = forward_folds(PlannedRows(LABEL, seconds, known), 3, stops=True)
    plain = forward_folds(PlannedRows(LABEL, seconds), 3, stops=True)
    for fold, other in zip((first, second, third), plain, strict=True):
        assert (fold.fitted, fold.stopping, fold.judged) == (other.fitted, other.stopping, other.judged)
    assert np.arange(60)[first.learned(first.fitted)].tolist() == list(range(20))
    assert np.setdiff1d(np.arange(20, 30), first.learned(first.stopping)).tolist() == [22, 24, 26, 28]
    assert np.setdiff1d(np.arange(30), second.learned(second.fitted)).tolist() == [24]
    assert np.setdiff1d(np.arange(30, 40), second.learned(second.stopping)).tolist() == [36, 38]
    assert np.setdiff1d(np.arange(40), third.learned(third.fitted)).tolist() == []
    early = forward_folds(PlannedRows(LABEL, seconds, known), 3, stops=False)[0]
    assert early.learned(early.fitted) == slice(0, 20)
    assert early.learned(early.stopping) == slice(20, 30)
    at_once = forward_folds(PlannedRows(LABEL, seconds, seconds), 3, stops=True)
    assert at_once == plain and at_once[0].learned(at_once[0].stopping) == slice(20, 30)


def test_a_part_whose_frauds_are_known_too_late_is_named() -> None:
    late = PlannedRows(LABEL, np.arange(60), np.arange(60) + 25)
    with pytest.raises(DataError, match=r"its rows 20 to 30 hold 0 in 0 whose outcome was known when the judged rows begin"):
        forward_folds(PlannedRows(LABEL, np.arange(60), np.arange(60) + np.where(np.arange(60) < 20, 0, 25)), 3, stops=True)
    with pytest.raises(DataError, match=r"its rows 0 to 20 hold 3 in 6 whose outcome was known"):
        forward_folds(late, 3, stops=False)
    assert len(forward_folds(PlannedRows(LABEL, np.arange(60), np.arange(60) + 8), 3, stops=False)) == 3
