"""Every kind of drift is caught, named and dated; windows without drift stay quiet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from fusionguard.errors import DataError
from fusionguard.monitoring.drift import DriftReport, read_drift
from fusionguard.monitoring.findings import Finding
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.sketch import read_sketch
from fusionguard.monitoring.thresholds import MonitoringThresholds
from tests.monitoring.windows import DAY_MICROS, START_MICROS, Change, churn_window, fraud_window

Columns = dict[str, Any]


def shift(columns: Columns, rng: np.random.Generator) -> None:
    columns["V1"] = columns["V1"] + 1.0


def heavier_tail(columns: Columns, rng: np.random.Generator) -> None:
    grown = rng.random(columns["Amount"].size) < 0.12
    columns["Amount"] = np.where(grown, 20 * columns["Amount"], columns["Amount"])


def missing(columns: Columns, rng: np.random.Generator) -> None:
    columns["V3"] = pa.array(columns["V3"], mask=rng.random(columns["V3"].size) < 0.05)


def unit(columns: Columns, rng: np.random.Generator) -> None:
    columns["Amount"] = 100 * columns["Amount"]


def impossible(columns: Columns, rng: np.random.Generator) -> None:
    columns["V9"] = np.where(rng.random(columns["V9"].size) < 0.03, 1e6, columns["V9"])


def found(report: DriftReport, kind: str, subject: str) -> Finding:
    return next(finding for finding in report.findings if (finding.kind, finding.subject, finding.segment) == (kind, subject, ""))


@pytest.mark.parametrize(
    "change, kind, subject, level",
    [
        (shift, "psi", "V1", "act"),
        (heavier_tail, "tail", "Amount", "act"),
        (missing, "missing", "V3", "act"),
        (unit, "scale", "Amount", "act"),
        (unit, "out_of_range", "Amount", "act"),
        (impossible, "out_of_range", "V9", "act"),
        (shift, "alert_rate", "decision", "act"),
    ],
)
def test_each_drift_is_caught(
    change: Change, kind: str, subject: str, level: str, counted_fraud_reference: Reference, tmp_path: Path
) -> None:
    rows = fraud_window(3_000, 11, change=change)
    report = read_drift(read_sketch(rows, counted_fraud_reference, scratch=tmp_path), counted_fraud_reference)
    finding = found(report, kind, subject)
    assert finding.level == level
    assert finding.chance <= 0.01
    assert subject in finding.sentence or kind == "alert_rate"
    others = {other.subject for other in report.columns if other.level != "none"} - {"Amount", "amount_fraction_cents"}
    assert others <= {subject, "V1"}


@pytest.mark.parametrize("change", [shift, heavier_tail, missing, unit, impossible])
def test_a_bare_profile_is_enough(change: Change, fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(3_000, 12, change=change)
    report = read_drift(read_sketch(rows, fraud_reference, scratch=tmp_path), fraud_reference)
    assert any(finding.level == "act" for finding in report.columns)
    assert any("alert rate was not compared" in remark for remark in report.remarks)


def test_a_new_country_is_caught_and_named(churn_reference: Reference, tmp_path: Path) -> None:
    def emigrate(columns: Columns, rng: np.random.Generator) -> None:
        columns["Geography"] = np.where(rng.random(columns["Geography"].size) < 0.03, "Portugal", columns["Geography"])

    rows = churn_window(1_500, 13, change=emigrate)
    report = read_drift(read_sketch(rows, churn_reference, scratch=tmp_path), churn_reference)
    assert found(report, "new_category", "Geography").level == "act"
    assert report.unknown_categories == {"Geography": ("Portugal",)}


def test_other_shares_of_categories_are_caught_as_chi_square_says(churn_reference: Reference, tmp_path: Path) -> None:
    def move(columns: Columns, rng: np.random.Generator) -> None:
        columns["Geography"] = np.where(rng.random(columns["Geography"].size) < 0.4, "Spain", columns["Geography"])

    rows = churn_window(1_500, 14, change=move)
    sketch = read_sketch(rows, churn_reference, scratch=tmp_path)
    finding = found(read_drift(sketch, churn_reference), "categories", "Geography")
    assert finding.level == "act"
    assert "'Spain' has" in finding.sentence


@pytest.mark.full
def test_a_finding_is_dated_by_the_first_day_beyond_its_limit(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(8_000, 15, days=8)
    late = rows["time"].cast(pa.int64()).to_numpy() >= START_MICROS + 5 * DAY_MICROS
    place = rows.column_names.index("V5")
    rows = rows.set_column(place, "V5", pa.array(np.where(late, rows["V5"].to_numpy() + 3, rows["V5"].to_numpy())))
    report = read_drift(read_sketch(rows, counted_fraud_reference, scratch=tmp_path), counted_fraud_reference)
    assert found(report, "psi", "V5").since == datetime.fromtimestamp((START_MICROS + 5 * DAY_MICROS) / 1e6, UTC)


@pytest.mark.full
def test_nothing_begins_before_the_first_row(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(8_000, 15, days=8)
    rows = rows.filter(pa.array(rows["time"].cast(pa.int64()).to_numpy() >= START_MICROS + DAY_MICROS // 2))
    place = rows.column_names.index("V5")
    rows = rows.set_column(place, "V5", pa.array(rows["V5"].to_numpy() + 3))
    report = read_drift(read_sketch(rows, counted_fraud_reference, scratch=tmp_path), counted_fraud_reference)
    assert found(report, "psi", "V5").since == report.first == rows["time"][0].as_py()


def test_drift_inside_one_segment_is_found_there(churn_reference: Reference, tmp_path: Path) -> None:
    def richer(columns: Columns, rng: np.random.Generator) -> None:
        german_women = (columns["Geography"] == "Germany") & (columns["Gender"] == "Female")
        columns["EstimatedSalary"] = np.where(german_women, 0.2 * columns["EstimatedSalary"], columns["EstimatedSalary"])

    rows = churn_window(3_000, 16, change=richer)
    report = read_drift(read_sketch(rows, churn_reference, scratch=tmp_path), churn_reference)
    acting = {finding.segment for finding in report.segments if finding.level == "act" and finding.subject == "EstimatedSalary"}
    assert "geography: Germany" in acting
    assert "geography: France" not in acting


@pytest.mark.full
def test_one_campaign_in_a_segment_is_no_drift_where_frauds_come_in_campaigns(
    counted_fraud_reference: Reference, tmp_path: Path
) -> None:
    def campaign(columns: Columns, rng: np.random.Generator) -> None:
        columns["hour_of_day"] = columns["hour_of_day"].copy()
        columns["V5"], columns["hour_of_day"][:26] = columns["V5"].copy(), 3
        columns["V5"][:26] = 8 + 0.1 * rng.standard_normal(26)

    sketch = read_sketch(fraud_window(6_000, 17, change=campaign), counted_fraud_reference, scratch=tmp_path)
    alone = read_drift(sketch, counted_fraud_reference).findings
    assert {(finding.kind, finding.subject) for finding in alone} == {("tail", "V5")}
    assert "time of day: 00 to 05" in {finding.segment for finding in alone}
    assert not read_drift(sketch, replace(counted_fraud_reference, design_effect=6.0)).findings
    grown = read_sketch(fraud_window(6_000, 17, change=heavier_tail), counted_fraud_reference, scratch=tmp_path)
    assert found(read_drift(grown, replace(counted_fraud_reference, design_effect=6.0)), "tail", "Amount").level == "act"


@pytest.mark.full
def test_readings_agree_with_scipy(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(2_000, 17, change=shift)
    report = read_drift(read_sketch(rows, counted_fraud_reference, scratch=tmp_path), counted_fraud_reference)
    reference = fraud_window(20_000, 1)
    for name in ("V1", "V2"):
        full = stats.ks_2samp(rows[name].to_numpy(), reference[name].to_numpy(), method="asymp")
        reading = report.reading("ks", name)
        assert full.statistic - 0.011 <= reading.effect <= full.statistic + 1e-9
    with pytest.raises(DataError, match="no comparison 'ks' of 'V99'"):
        report.reading("ks", "V99")


@pytest.mark.full
def test_small_effects_in_large_windows_are_read_and_not_reported(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    def nudge(columns: Columns, rng: np.random.Generator) -> None:
        columns["V2"] = columns["V2"] + 0.08

    rows = fraud_window(30_000, 18, change=nudge)
    report = read_drift(read_sketch(rows, counted_fraud_reference, scratch=tmp_path), counted_fraud_reference)
    assert report.reading("ks", "V2").chance < 0.01, "it is there beyond doubt"
    assert report.reading("ks", "V2").level == "none", "and too small to matter"


def test_windows_too_small_to_judge_say_so(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(150, 19, change=unit)
    report = read_drift(read_sketch(rows, counted_fraud_reference, scratch=tmp_path), counted_fraud_reference)
    assert report.columns == ()
    assert "fewer than the 200" in report.remarks[0]


@pytest.mark.full
def test_hours_are_not_judged_in_short_windows(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    def at_night(columns: Columns, rng: np.random.Generator) -> None:
        columns["hour_of_day"] = rng.integers(0, 5, columns["V1"].size).astype(np.int32)

    for days, level in ((0.2, "none"), (8.0, "act")):
        rows = fraud_window(1_000, 20, days=days, change=at_night)
        report = read_drift(read_sketch(rows, counted_fraud_reference, scratch=tmp_path), counted_fraud_reference)
        reading = report.reading("psi", "hour_of_day")
        assert reading.effect > 1
        assert reading.level == level


@pytest.mark.full
def test_segments_by_time_of_day_are_judged_where_the_hour_is(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    """What comes at some hours alone is another mix of hours where the reference does not show them whole."""

    def nightly(columns: Columns, rng: np.random.Generator) -> None:
        night = columns["hour_of_day"] < 6
        columns["V5"] = np.where(night & (rng.random(night.size) < 0.6), columns["V5"] + 3, columns["V5"])

    rows = fraud_window(6_000, 29, change=nightly)
    sketch = read_sketch(rows, counted_fraud_reference, scratch=tmp_path)
    for unjudged, levels in ((frozenset[str](), {"act"}), (frozenset({"hour_of_day"}), {"none"})):
        report = read_drift(sketch, replace(counted_fraud_reference, unjudged=unjudged))
        at_night = [each for each in report.segments if each.segment == "time of day: 00 to 05"]
        strongest = next(each for each in at_night if (each.kind, each.subject) == ("psi", "V5"))
        assert strongest.effect > 0.5, "it is shown"
        assert {strongest.level} == levels
        if unjudged:
            assert {each.level for each in at_night} == {"none"}
            said = "hour_of_day and segments by time of day: shown and not judged"
            assert any(said in remark for remark in report.remarks)
        assert any(each.segment.startswith("amount: ") and each.chance < 1 for each in report.segments), "others are judged"


@pytest.mark.long
@pytest.mark.full
def test_at_most_one_undrifted_window_in_twenty_raises_an_alarm(
    fraud_reference: Reference, counted_fraud_reference: Reference, churn_reference: Reference, tmp_path: Path
) -> None:
    """Sixty small windows; a true rate of one in ten would give four or more in 86 of 100 such tests."""
    alarms = []
    for seed in range(60):
        rows = (220, 400, 900, 1_500)[seed % 4]
        reference = (fraud_reference, counted_fraud_reference, churn_reference)[seed % 3]
        draw = churn_window if seed % 3 == 2 else fraud_window
        report = read_drift(read_sketch(draw(rows, 1_000 + seed), reference, scratch=tmp_path), reference)
        assert report.columns, "a window that is not judged would be no proof"
        alarms += [(rows, report.findings)] if report.findings else []
    assert len(alarms) <= 3, alarms


@pytest.mark.full
def test_limits_can_be_chosen(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(3_000, 11, change=shift)
    sketch = read_sketch(rows, counted_fraud_reference, scratch=tmp_path)
    high = {"ks_watch": 0.8, "ks_act": 0.9, "displaced_watch": 0.8, "displaced_act": 0.9}
    lax = MonitoringThresholds(psi_watch=5, psi_act=9, tail_watch=50, tail_act=90, **high)
    report = read_drift(sketch, counted_fraud_reference, lax)
    assert {finding.kind for finding in report.findings if not finding.segment} == {"alert_rate"}
    with pytest.raises(ValueError, match="psi_watch must not exceed psi_act"):
        MonitoringThresholds(psi_watch=0.3)
