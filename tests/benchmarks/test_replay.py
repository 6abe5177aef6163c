"""The replay of a table: what counts as another bit, and which tables it takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.replay import different, main
from fusionguard.errors import UsageError
from tests.foreign import write_payments


def test_each_other_bit_counts_and_what_is_missing_in_both_does_not() -> None:
    given = pa.chunked_array([[0.1 + 0.2, 7.0, None, float("nan"), 0.0]])
    expected = pa.chunked_array([[0.3, 7.0, float("nan"), None, -0.0]])
    assert different(given, expected) == 2
    assert different(given, given) == 0
    one_missing = pa.chunked_array([[0.1 + 0.2, None, None, None, 0.0]])
    assert different(given, one_missing) == 1
    whole = pa.chunked_array([pa.array([1, 2, 3], pa.int32())])
    assert different(whole, pa.chunked_array([np.array([1, 5, 3])])) == 1


def test_a_table_without_a_past_is_refused(tmp_path: Path) -> None:
    file = write_payments(tmp_path, 20)
    with pytest.raises(UsageError, match="declares no windows, or no parquet file of rows"):
        main(["--file", str(file)])


def test_a_table_that_dates_outcomes_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "dated.yaml"
    file.write_text(
        "version: 1\nname: dated\nproblem: fraud\nrows: dated.parquet\nid: id\ntime: at\namount: {column: paid, currency: EUR}\n"
        "label: {column: bad, known: {column: told_at}}\nentities: {card: card}\nwindows: {card: {spans: [1d], of: [count]}}\n"
    )
    with pytest.raises(UsageError, match="dates outcomes"):
        main(["--file", str(file)])
