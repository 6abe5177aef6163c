"""Faults of the data before the model are found, named and dated; what real changes do to the same columns is not one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.monitoring.drift import DriftReport, read_drift
from fusionguard.monitoring.findings import FAULTS
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.sketch import read_sketch
from fusionguard.monitoring.verdict import decide
from tests.monitoring.windows import DAY_MICROS, START_MICROS, churn_window, fraud_window

Columns = dict[str, Any]


def read(rows: pa.Table, reference: Reference, folder: Path) -> DriftReport:
    return read_drift(read_sketch(rows, reference, scratch=folder), reference)


def faults(report: DriftReport) -> list[tuple[str, str, str]]:
    return [(each.kind, each.subject, each.level) for each in report.columns if each.kind in FAULTS]


def after(rows: pa.Table, days: float) -> np.ndarray:
    """Which rows came after so many days."""
    return np.asarray(rows["time"].cast(pa.int64()).to_numpy() >= START_MICROS + days * DAY_MICROS)


def changed(rows: pa.Table, name: str, values: np.ndarray, where: np.ndarray) -> pa.Table:
    """Rows with other values of a column in some of them."""
    place, kind = rows.column_names.index(name), rows[name].type
    new = np.where(where, values, rows[name].to_numpy(zero_copy_only=False))
    return rows.set_column(place, name, pa.array(new).cast(kind))


def test_a_feature_frozen_at_one_value_is_upstream_data_and_dated(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(6_000, 41)
    frozen = after(rows, 3.2) & (np.random.default_rng(4).random(rows.num_rows) < 0.6)
    report = read(changed(rows, "V14", np.float64(0.25), frozen), counted_fraud_reference, tmp_path)
    (found,) = [each for each in report.columns if each.kind in FAULTS]
    assert (found.kind, found.subject, found.level, found.certain) == ("spike", "V14", "act", True)
    assert found.effect == pytest.approx(frozen.mean(), abs=0.001)
    began = datetime.fromtimestamp(START_MICROS / 1e6 + 3.2 * 86_400, UTC)
    assert found.since is not None
    assert abs((found.since - began).total_seconds()) < 0.1 * 86_400
    assert found.sentence.startswith(f"60% of the rows hold one value of V14 since {found.since:%Y-%m-%d %H:%M} UTC")
    verdict = decide(report)
    assert (verdict.state, verdict.cause, verdict.action) == ("act", "upstream data", "fix data")
    assert verdict.features[0] == "V14"


@pytest.mark.parametrize(
    ("name", "value", "share", "certain"),
    [("Geography", "Germany", 0.5, True), ("Gender", "Male", 1.0, False), ("Balance", 0.0, 0.4, True), ("Tenure", 0, 1.0, False)],
)
def test_values_that_many_always_had_are_frozen_where_nothing_else_has_changed(
    churn_reference: Reference, tmp_path: Path, name: str, value: object, share: float, certain: bool
) -> None:
    rows = churn_window(2_000, 42)
    frozen = after(rows, 2.4) & (np.random.default_rng(4).random(rows.num_rows) < share)
    report = read(changed(rows, name, np.array(value), frozen), churn_reference, tmp_path)
    assert faults(report) == [("spike", name, "act")]
    assert report.columns[0].certain == certain
    verdict = decide(report)
    assert (verdict.cause, verdict.action) == ("upstream data", "fix data" if certain else "ask the data's owner")


@pytest.mark.parametrize(
    ("name", "value", "share"), [("Geography", "Germany", 0.6), ("Balance", 0.0, 0.65), ("Gender", "Male", 0.8)]
)
def test_other_customers_with_a_common_value_are_no_fault(
    churn_reference: Reference, tmp_path: Path, name: str, value: object, share: float
) -> None:
    pool, rng = churn_window(9_000, 43), np.random.default_rng(5)
    wanted = pool[name].to_numpy(zero_copy_only=False) == value
    places = [
        rng.choice(np.flatnonzero(flags), round(part * 2_000), replace=False)
        for flags, part in ((wanted, share), (~wanted, 1 - share))
    ]
    rows = pool.take(np.sort(np.concatenate(places)))
    report = read(rows, churn_reference, tmp_path)
    assert faults(report) == []
    verdict = decide(report)
    assert (verdict.state, verdict.cause) == ("act", "population")


def test_a_reference_without_rows_says_that_faults_are_not_looked_for(fraud_reference: Reference, tmp_path: Path) -> None:
    report = read(changed(fraud_window(3_000, 44), "V14", np.float64(0.25), np.ones(3_000, bool)), fraud_reference, tmp_path)
    assert faults(report) == []
    assert any("kept no rows" in remark for remark in report.remarks)
