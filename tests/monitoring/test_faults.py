"""Faults of the data before the model are found, named and dated; what real changes do to the same columns is not one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.monitoring.drift import DriftReport, read_drift
from fusionguard.monitoring.fault_ruling import untrainable
from fusionguard.monitoring.findings import FAULTS, Finding
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


def only_fault(report: DriftReport) -> Finding:
    (found,) = [each for each in report.columns if each.kind in FAULTS]
    return found


def test_two_features_that_changed_places_are_named_together(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(6_000, 45)
    where = after(rows, 2.4)
    swapped = changed(rows, "V3", rows["V20"].to_numpy(), where)
    found = only_fault(read(changed(swapped, "V20", rows["V3"].to_numpy(), where), counted_fraud_reference, tmp_path))
    assert (found.kind, found.subject, found.level, found.certain) == ("swap", "V3 and V20", "act", True)
    assert found.effect == pytest.approx(where.mean(), abs=0.07)
    assert found.since is not None
    since = f"{found.since:%Y-%m-%d %H:%M} UTC"
    assert re.fullmatch(rf"V3 and V20 have changed places in (9[5-9]|100)% of the rows since {since}", found.sentence)


def test_words_give_the_share_of_the_rows_since_it_began_also_where_some_lack_a_value(
    counted_fraud_reference: Reference, tmp_path: Path
) -> None:
    rows = fraud_window(6_000, 46)
    where, lacking = after(rows, 2.4), np.random.default_rng(9).random(rows.num_rows) < 0.3
    values = np.where(lacking, np.nan, np.where(where, np.round(rows["V4"].to_numpy(), 1), rows["V4"].to_numpy()))
    report = read(changed(rows, "V4", values, np.ones(rows.num_rows, bool)), counted_fraud_reference, tmp_path)
    assert only_fault(report).sentence.startswith("100% of the values of V4 are multiples of 0.1 since 2026-")
    frozen = np.where(lacking, np.nan, np.where(where, 0.25, rows["V4"].to_numpy()))
    report = read(changed(rows, "V4", frozen, np.ones(rows.num_rows, bool)), counted_fraud_reference, tmp_path)
    found = only_fault(report)
    told = re.match(r"(\d+)% of the rows hold one value of V4 since 2026-", found.sentence)
    assert told is not None, found.sentence
    assert int(told[1]) == pytest.approx(70, abs=2), "three in ten rows hold none"


def test_what_has_ended_is_told_with_its_end(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(6_000, 46)
    day = datetime.fromtimestamp(START_MICROS / 1e6, UTC)
    until = ~after(rows, 2.4)
    report = read(changed(rows, "V4", np.full(rows.num_rows, 0.25), until), counted_fraud_reference, tmp_path)
    told = re.match(r"(?:99|100)% of the rows hold one value of V4 until (2026-\S+ \S+) UTC; ", only_fault(report).sentence)
    assert told is not None, only_fault(report).sentence
    ended = datetime.fromisoformat(f"{told[1]}+00:00") - day
    assert 2.2 < ended.total_seconds() / 86_400 < 2.5
    between = after(rows, 1.7) & ~after(rows, 4.1)
    report = read(changed(rows, "V4", np.round(rows["V4"].to_numpy(), 1), between), counted_fraud_reference, tmp_path)
    assert re.match(
        r"(9\d|100)% of the values of V4 are multiples of 0.1 from 2026-\S+ \S+ to 2026-", only_fault(report).sentence
    )


@pytest.mark.parametrize(("days", "since"), [(1.2, r" since 2026-09-22 0[345]:\d\d UTC"), (0.0, "")])
def test_a_changed_unit_is_told_by_the_factor_since_it_began(
    counted_fraud_reference: Reference, tmp_path: Path, days: float, since: str
) -> None:
    rows = fraud_window(6_000, 53)
    scaled = changed(rows, "Amount", 100 * rows["Amount"].to_numpy(), after(rows, days))
    found = read(scaled, counted_fraud_reference, tmp_path).reading("scale", "Amount")
    assert found.level == "act"
    words = rf"all quantiles of Amount are ([\d.]+) times what they were{since}: its unit may have changed"
    told = re.fullmatch(words, found.sentence)
    assert told is not None, found.sentence
    assert float(told[1]) == pytest.approx(100, rel=0.05)


@pytest.mark.full
def test_shares_are_told_of_the_rows_since_they_changed(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    """From the fifth of eight days on V3 is missing in 4 of 10 rows; of the window that is 2 of 10."""
    rows = fraud_window(8_000, 54)
    where = after(rows, 4.0)
    gone = where & (np.random.default_rng(3).random(rows.num_rows) < 0.4)
    report = read(changed(rows, "V3", np.where(gone, np.nan, rows["V3"].to_numpy()), gone), counted_fraud_reference, tmp_path)
    found = report.reading("missing", "V3")
    assert found.effect == pytest.approx(gone.mean())
    share = gone.sum() / where.sum()
    assert share == pytest.approx(0.4, abs=0.02)
    since = datetime.fromtimestamp(START_MICROS / 1e6 + 4 * 86_400, UTC)
    assert found.since == since
    assert found.sentence == f"since {since:%Y-%m-%d %H:%M} UTC, V3 is missing in {share:.2%} of the rows, 0.00% before"
    whole = read(changed(rows, "V3", np.full(rows.num_rows, np.nan), ~where | gone), counted_fraud_reference, tmp_path)
    assert whole.reading("missing", "V3").sentence.startswith("V3 is missing in "), "since the window began"


@pytest.mark.parametrize(("name", "step", "words"), [("V4", 0.1, "multiples of 0.1"), ("Amount", 1.0, "multiples of 1")])
def test_coarser_values_are_a_changed_rounding(
    counted_fraud_reference: Reference, tmp_path: Path, name: str, step: float, words: str
) -> None:
    rows = fraud_window(6_000, 46)
    where = after(rows, 2.4)
    rounded = changed(rows, name, np.round(rows[name].to_numpy() / step) * step, where)
    found = only_fault(read(rounded, counted_fraud_reference, tmp_path))
    assert (found.kind, found.subject, found.level) == ("rounding", name, "act")
    assert found.effect == pytest.approx(where.mean(), abs=0.07)
    assert found.sentence.startswith(f"100% of the values of {name} are {words} since ")


@pytest.mark.full
def test_more_decimal_places_are_a_changed_rounding_and_single_precision_is_none(
    counted_fraud_reference: Reference, tmp_path: Path
) -> None:
    rows = fraud_window(4_000, 47)
    finer = rows["Amount"].to_numpy() + 0.003
    report = read(changed(rows, "Amount", finer, after(rows, 4.0)), counted_fraud_reference, tmp_path)
    assert ("rounding", "Amount", "act") in faults(report)
    single = rows["Amount"].to_numpy().astype(np.float32).astype(np.float64)
    assert faults(read(changed(rows, "Amount", single, after(rows, 0)), counted_fraud_reference, tmp_path)) == []


@pytest.mark.parametrize(("constant", "words"), [(5, "higher than they were"), (-6, "lower than they were")])
def test_a_column_that_moved_as_a_whole_is_asked_about(
    churn_reference: Reference, tmp_path: Path, constant: int, words: str
) -> None:
    rows = churn_window(2_500, 48)
    moved = changed(rows, "Age", rows["Age"].to_numpy() + constant, after(rows, 2.4))
    report = read(moved, churn_reference, tmp_path)
    found = only_fault(report)
    assert (found.kind, found.subject, found.certain) == ("displaced", "Age", False)
    assert words in found.sentence
    assert decide(report).action == "ask the data's owner"


def test_older_customers_are_other_customers(churn_reference: Reference, tmp_path: Path) -> None:
    """Chosen among customers who exist, more likely the older they are."""
    pool, rng = churn_window(9_000, 49), np.random.default_rng(6)
    age = pool["Age"].to_numpy().astype(np.float64)
    chance = np.exp(0.42 * np.clip((age - age.mean()) / age.std(), -4, 4))
    rows = pool.take(np.sort(rng.choice(age.size, 2_500, replace=False, p=chance / chance.sum())))
    assert rows["Age"].to_numpy().mean() - age.mean() > 3
    report = read(rows, churn_reference, tmp_path)
    assert faults(report) == []
    assert decide(report).cause == "population"


def test_a_burst_is_a_cause_of_its_own(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    rows, rng = fraud_window(5_000, 50), np.random.default_rng(7)
    copies = rows.take(np.full(300, 17))
    for name in ("V1", "V2", "V20"):
        noise = 0.01 * rng.standard_normal(300)
        copies = changed(copies, name, copies[name].to_numpy() + noise, np.ones(300, bool))
    hour = START_MICROS + 5 * DAY_MICROS + np.sort(rng.integers(0, 3_600_000_000, 300))
    copies = copies.set_column(0, "time", pa.array(hour).cast(rows["time"].type))
    whole = pa.concat_tables([rows, copies]).sort_by("time")
    report = read(whole, counted_fraud_reference, tmp_path)
    found = only_fault(report)
    assert (found.kind, found.level) == ("burst", "act")
    # Two clocks of hours that begin half an hour apart: at least three quarters of any hour lie in one of theirs.
    assert 0.75 * 300 / 5_300 <= found.effect <= 300 / 5_300 + 0.001
    assert found.since is not None
    assert 0 <= found.since.timestamp() - hour[0] / 1e6 < 900
    verdict = decide(report)
    assert (verdict.cause, verdict.action) == ("burst", "look at the burst")


def test_a_burst_of_several_hours_is_not_a_spike_of_its_values(churn_reference: Reference, tmp_path: Path) -> None:
    rows, rng = churn_window(2_000, 52), np.random.default_rng(8)
    sent = START_MICROS + 4 * DAY_MICROS + np.sort(rng.integers(0, 6 * 3_600_000_000, 420))
    copies = rows.take(np.full(420, 23)).set_column(0, "time", pa.array(sent).cast(rows["time"].type))
    report = read(pa.concat_tables([rows, copies]).sort_by("time"), churn_reference, tmp_path)
    found = only_fault(report)
    assert (found.kind, found.level) == ("burst", "act")
    assert decide(report).action == "look at the burst"


@pytest.mark.parametrize("by_clock", [True, False])
def test_hours_that_do_not_come_any_more_are_a_cause_of_their_own(
    counted_fraud_reference: Reference, tmp_path: Path, by_clock: bool
) -> None:
    rows = fraud_window(8_000, 51)
    micros = rows["time"].cast(pa.int64()).to_numpy()
    hour = micros // 3_600_000_000 % 24 if by_clock else rows["hour_of_day"].to_numpy()
    gone = np.isin(hour, (2, 3, 4)) & after(rows, 3.0)
    report = read(rows.filter(pa.array(~gone)), counted_fraud_reference, tmp_path)
    found = only_fault(report)
    assert (found.kind, found.level) == ("absent_hours", "act")
    assert "no rows of the hours 02, 03, 04" in found.sentence
    assert found.effect == pytest.approx(gone.mean(), rel=0.2)
    assert decide(report).action == "find the missing hours"


def test_half_a_last_day_lacks_no_hours(counted_fraud_reference: Reference, tmp_path: Path) -> None:
    rows = fraud_window(8_000, 52)
    assert faults(read(rows.filter(pa.array(~after(rows, 6.8))), counted_fraud_reference, tmp_path)) == []


def test_rows_that_are_broken_are_not_trained_on() -> None:
    broken = Finding(
        kind="spike",
        subject="V14",
        level="act",
        effect=0.6,
        watch=0.02,
        act=0.05,
        chance=0.0,
        sentence="60% hold one value of V14",
    )
    assert "60% hold one value of V14" in (untrainable([broken]) or "")
    assert untrainable([broken.model_copy(update={"kind": "psi"})]) is None
