"""Many rows are folded less often, unless somebody says how often."""

from __future__ import annotations

import pytest

from fusionguard.config import HoldoutConfig
from fusionguard.evaluation.fold_counts import fold_counts


@pytest.mark.parametrize(("rows", "folds", "repeats"), [(10_000, 5, 5), (10_001, 5, 2), (50_000, 5, 2), (50_001, 3, 1)])
def test_many_rows_are_folded_less_often(rows: int, folds: int, repeats: int) -> None:
    counted = fold_counts(HoldoutConfig(test=0.3), rows)
    assert (counted.folds, counted.repeats, counted.test) == (folds, repeats, 0.3)


def test_what_was_set_stays_even_at_its_default() -> None:
    counted = fold_counts(HoldoutConfig(folds=5), 1_000_000)
    assert (counted.folds, counted.repeats) == (5, 1)
