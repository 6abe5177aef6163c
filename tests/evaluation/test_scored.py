from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fusionguard.errors import DataError


def test_rows_know_their_number_their_frauds_and_their_length(make_rows: Any) -> None:
    rows = make_rows(500)
    assert rows.rows == 500
    assert rows.positives == int(rows.label.sum()) > 0
    assert rows.days == pytest.approx((rows.time_seconds[-1] - rows.time_seconds[0] + 1) / 86_400)
    assert rows.take(np.zeros(500, dtype=bool)).days == 0


def test_another_model_sees_the_same_rows(make_rows: Any) -> None:
    rows = make_rows(100)
    other = rows.scored_by(np.full(100, 0.5))
    assert np.array_equal(other.label, rows.label)
    assert np.array_equal(other.probability, np.full(100, 0.5))
    assert np.array_equal(other.score, np.full(100, 0.5))
    ranked = rows.scored_by(np.full(100, 0.25), np.linspace(-3, 4, 100))
    assert np.array_equal(ranked.probability, np.full(100, 0.25))
    assert np.array_equal(ranked.score, np.linspace(-3, 4, 100))


def test_a_probability_may_be_all_of_0_and_1(make_rows: Any) -> None:
    rows = make_rows(4)
    assert rows.scored_by(np.array([0.0, 1.0, 0.0, 1.0])).probability.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("probability", np.nan, "'probability' that is not a finite number"),
        ("probability", 1.5, "'probability' that is not in"),
        ("label", 2, "'label' that is not 0 or 1"),
        ("weight", 0.0, "'weight' that is not above 0"),
        ("score", np.inf, "'score' that is not a finite number"),
    ],
)
def test_impossible_values_are_refused(make_rows: Any, column: str, value: float, expected: str) -> None:
    rows = make_rows(50)
    broken = getattr(rows, column).copy()
    broken[3] = value
    with pytest.raises(DataError, match=expected):
        replace(rows, **{column: broken})


def test_columns_of_different_length_are_refused(make_rows: Any) -> None:
    rows = make_rows(50)
    with pytest.raises(DataError, match="one length"):
        replace(rows, amount=rows.amount[:-1])
