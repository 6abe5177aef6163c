"""References made of rows: the bins, shares, segments and alert rate of those rows, and quiet about more of the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.errors import DataError
from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.families.fraud.family import FRAUD_FAMILY
from fusionguard.monitoring.counted import as_reference, table_reference
from fusionguard.monitoring.drift import read_drift
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.sketch import read_sketch
from tests.monitoring.windows import churn_window, fraud_window


def test_a_table_makes_its_own_bins(tmp_path: Path) -> None:
    rows = fraud_window(4_000, 71)
    reference = table_reference(rows, FRAUD_FAMILY, scratch=tmp_path, time="time")
    ranks = np.searchsorted(np.sort(rows["V4"].to_numpy()), reference.numbers["V4"].quantiles, side="right")
    assert ranks == pytest.approx(np.maximum(np.arange(101) * 40, 1), abs=1)
    assert reference.rows == 4_000
    flagged = np.count_nonzero(np.array(rows["decision"].to_pylist()) == "review")
    assert reference.flagged == (flagged, 4_000)
    assert reference.sample is not None and reference.sample.num_rows == 4_000
    assert sum(counts.rows for (cut, _), counts in reference.segments.items() if cut == "amount") == 4_000
    assert reference.unjudged == frozenset(), "eight days show all hours"
    assert table_reference(rows, FRAUD_FAMILY, scratch=tmp_path).unjudged == {"hour_of_day"}


def test_windows_like_the_table_are_quiet_and_others_are_not(tmp_path: Path) -> None:
    reference = table_reference(churn_window(4_000, 72), CHURN_FAMILY, scratch=tmp_path)
    like = read_sketch(churn_window(1_000, 73), reference, scratch=tmp_path)
    assert read_drift(like, reference).findings == ()
    older = read_sketch(
        churn_window(1_000, 74, change=lambda columns, _: columns.update(Age=columns["Age"] + 12)), reference, scratch=tmp_path
    )
    assert {finding.subject for finding in read_drift(older, reference).columns if finding.level == "act"} >= {"Age"}


def test_what_the_reference_has_out_of_range_is_no_news(fraud_reference: Reference, tmp_path: Path) -> None:
    """Counted rows that exceed the profile's range count as known: only more of them would be a finding."""

    def wild(share: float, seed: int) -> pa.Table:
        def change(columns: dict[str, np.ndarray], rng: np.random.Generator) -> None:
            columns["V9"] = np.where(rng.random(columns["V9"].size) < share, 1e3, columns["V9"])

        return fraud_window(3_000, seed, change=change)

    counted = as_reference(fraud_reference, read_sketch(wild(0.03, 75), fraud_reference, scratch=tmp_path))
    for share, level in ((0.03, "none"), (0.09, "act")):
        report = read_drift(read_sketch(wild(share, 76), counted, scratch=tmp_path), counted)
        assert report.reading("out_of_range", "V9").level == level


def test_extremes_of_a_segment_are_those_of_the_whole_window(fraud_reference: Reference, tmp_path: Path) -> None:
    """The few largest amounts all lie in one segment, as they do in the reference: that alone is no finding."""
    for seed in range(4):
        report = read_drift(read_sketch(fraud_window(8_000, 77 + seed), fraud_reference, scratch=tmp_path), fraud_reference)
        assert [finding for finding in report.segments if finding.level != "none"] == []


def test_unusable_tables_are_refused(tmp_path: Path) -> None:
    rows = fraud_window(300, 81)
    with pytest.raises(DataError, match="lacks the columns probability"):
        table_reference(rows.drop_columns("probability"), FRAUD_FAMILY, scratch=tmp_path)
    empty = rows.set_column(rows.column_names.index("V2"), "V2", pa.nulls(300, pa.float64()))
    with pytest.raises(DataError, match="no values in V2"):
        table_reference(empty, FRAUD_FAMILY, scratch=tmp_path)
    with pytest.raises(DataError, match="no values"):
        table_reference(rows.slice(0, 0), FRAUD_FAMILY, scratch=tmp_path)


def test_hours_can_be_judged_where_the_reference_is_known_to_show_them(tmp_path: Path) -> None:
    reference = table_reference(fraud_window(3_000, 82), FRAUD_FAMILY, scratch=tmp_path)
    sketch = read_sketch(fraud_window(1_000, 83), replace(reference, unjudged=frozenset()), scratch=tmp_path)
    assert not any("hour_of_day" in remark for remark in read_drift(sketch, replace(reference, unjudged=frozenset())).remarks)
    assert any("hour_of_day" in remark for remark in read_drift(sketch, reference).remarks)
