"""Folds in order of time judge the later rows alone: the earliest have no score, and nothing is read of them."""

from __future__ import annotations

import numpy as np
import pytest

from fusionguard.config import HoldoutConfig
from fusionguard.evaluation.holdout import plan_holdout
from fusionguard.evaluation.planned_rows import PlannedColumns, PlannedRows
from fusionguard.evaluation.readings import AVERAGE_PRECISION, BRIER, CALIBRATION_ERROR
from fusionguard.families.churn.calibration import cross_fitted, fit_platt
from fusionguard.families.churn.cross_validation import cross_validation
from fusionguard.families.churn.out_of_fold import fit_folds, out_of_fold_table, read_out_of_fold

DAY = 86_400


class _Customers:
    """Rows that are their own number."""

    def __init__(self, number: np.ndarray) -> None:
        self.number = number

    def take(self, places: np.ndarray) -> _Customers:
        return _Customers(self.number[places])


def test_what_no_fold_judges_has_no_score_and_counts_nowhere() -> None:
    rng = np.random.default_rng(8)
    seconds = np.sort(rng.integers(0, 120, 300)) * DAY
    columns = PlannedColumns(label="left", time="second", known="known")
    rows = PlannedRows((rng.random(300) < 0.4).astype(np.int8), seconds, seconds + 3 * DAY, columns=columns)
    plan = plan_holdout(rows, "f" * 64, HoldoutConfig(test=0.25, folds=3, repeats=5), seed=2)
    development, _ = plan.places(rows)
    rows = rows.take(development)
    folds = plan.fold_places(rows)
    last_fitted: list[int] = []

    def score(fitted: _Customers, label: np.ndarray, unseen: _Customers) -> np.ndarray:
        assert np.array_equal(label, rows.label[fitted.number])
        last_fitted.append(int(fitted.number[-1]))
        return 2.0 * rows.label[unseen.number] + np.sin(unseen.number) + len(label) / 100

    customers = _Customers(np.arange(rows.count))
    scored = fit_folds(customers, rows, folds, plan.repeats, {"sine": score})  # type: ignore[arg-type, dict-item]
    first = int(folds[0][1][0])
    assert 60 < first < 110 and sorted(last_fitted) == [int(fitted[-1]) for fitted, _ in folds]
    assert all(rows.seconds[fitted[-1]] + 3 * DAY <= rows.seconds[places[0]] for fitted, places in folds)  # type: ignore[index]
    (sine,) = scored.scores["sine"]
    assert np.array_equal(np.flatnonzero(np.isfinite(sine)), np.arange(first, rows.count))
    assert np.array_equal(scored.judged, np.arange(first, rows.count))
    stacked, label = scored.stacked("sine")
    assert np.array_equal(stacked, sine[first:]) and np.array_equal(label, rows.label[first:])

    (probability,) = cross_fitted([sine], rows.label, folds)
    own, rest = folds[1][1], np.setdiff1d(scored.judged, folds[1][1])
    line = fit_platt(sine[rest], rows.label[rest])
    assert np.isnan(probability[:first]).all() and np.array_equal(probability[own], line.probability(sine[own]))

    read = cross_validation(
        rows.label, folds, {"sine": [sine]}, {"sine": [probability]}, folds_per_repeat=3, chosen="sine", reason="It is alone."
    )
    assert (read.rows, read.folds, read.repeats) == (rows.count - first, 3, 1)
    brier = np.mean([np.mean((probability[places] - rows.label[places]) ** 2) for _, places in folds])
    assert read.models["sine"][BRIER].value == pytest.approx(brier)
    assert np.isfinite(read.models["sine"][AVERAGE_PRECISION].value)  # type: ignore[arg-type]
    assert 0 < read.models["sine"][CALIBRATION_ERROR].value < 0.5  # type: ignore[operator]

    again = read_out_of_fold(out_of_fold_table(scored), plan)
    assert np.array_equal(again.scores["sine"][0], sine, equal_nan=True) and list(again.scores) == ["sine"]
    assert all(
        np.array_equal(one, two)
        for ours, theirs in zip(folds, again.folds, strict=True)
        for one, two in zip(ours, theirs, strict=True)
    )
