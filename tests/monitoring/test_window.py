"""A window holds what the log holds: each row once, with its outcome, and says what it lacks."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.errors import StorageError
from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.families.fraud.family import FRAUD_FAMILY
from fusionguard.monitoring.outcomes import labelled_rows
from fusionguard.monitoring.traffic import SIMULATED_PREFIX
from fusionguard.monitoring.window import read_window
from fusionguard.serving.prediction_log import append_labels, compact, read_log
from tests.serving.prediction_log_rows import START_MICROS, churn_row, fraud_row, log_parts, parts_of

VERSION = "a1b2c3d4e5f6"
START = datetime.fromtimestamp(START_MICROS / 1e6, UTC)


def test_it_is_what_the_reader_of_the_log_says(tmp_path: Path) -> None:
    log_parts(
        tmp_path / "log",
        [fraud_row(number) for number in range(50)],
        [fraud_row(number) for number in range(40, 90)],
        [fraud_row(90, shadow=True), fraud_row(91, version="older"), fraud_row(92, f"{SIMULATED_PREFIX}1")],
    )
    append_labels(tmp_path / "log", "fraud", [(f"request-{number}", 0, number % 2, START_MICROS + 10**9) for number in range(30)])
    window = read_window(tmp_path / "log", FRAUD_FAMILY, VERSION, tmp_path / "window.parquet")
    facts = window.facts
    expected = [row for row in read_log(tmp_path / "log", "fraud").table.to_pylist() if row["model_version"] == VERSION]
    found = sorted(pq.read_table(window.table.path).to_pylist(), key=lambda row: row["time"])
    assert found == expected
    assert (facts.rows, facts.labelled, facts.repeated, facts.simulated) == (91, 30, 10, 1)
    assert facts.other_versions == {"older": 1}
    assert facts.unreadable == ()
    assert (facts.first, facts.last) == (START, START + timedelta(milliseconds=92))
    assert facts.origin == "simulated"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["window.parquet"]


def test_bounds_are_from_since_to_before_until(tmp_path: Path) -> None:
    log_parts(tmp_path / "log", [fraud_row(number) for number in range(100)])
    since, until = START + timedelta(milliseconds=10), START + timedelta(milliseconds=20)
    window = read_window(tmp_path / "log", FRAUD_FAMILY, VERSION, tmp_path / "w.parquet", since=since, until=until)
    assert window.facts.rows == 10
    assert (window.facts.first, window.facts.last) == (since, until - timedelta(milliseconds=1))


def test_where_positives_alone_are_told_old_rows_without_a_label_are_negative(tmp_path: Path) -> None:
    log_parts(tmp_path / "log", [fraud_row(number) for number in range(10)])
    append_labels(tmp_path / "log", "fraud", [(f"request-{number}", 0, 1, START_MICROS + 500_000) for number in (0, 3, 8)])
    # A row is a millisecond younger than the one before: up to ``until``, the row 6 is as old as a day, and no younger one is.
    until = START + timedelta(days=1, milliseconds=6)
    window = read_window(tmp_path / "log", FRAUD_FAMILY, VERSION, tmp_path / "w.parquet", until=until, negative_after_days=1)
    rows = window.table.read(["label", "label_observed_at"])
    assert rows["label"].to_pylist() == [1, 0, 0, 1, 0, 0, 0, None, None, None], "early labels are positives alone"
    assert rows.schema.field("label").type == pa.int8()
    has_come = [time is not None for time in rows["label_observed_at"].to_pylist()]
    assert [number for number, come in enumerate(has_come) if come] == [0, 3, 8]
    assert (window.facts.rows, window.facts.labelled) == (10, 3)
    coverage = labelled_rows(rows.append_column("time", window.table.read(["time"])["time"])).coverage
    assert (coverage.labelled, coverage.presumed_negative, coverage.positives) == (7, 5, 2)
    assert coverage.median_delay_days == pytest.approx((500_000 - 3_000) / 86_400e6), "of 0, 3 and 8"
    latest = read_window(tmp_path / "log", FRAUD_FAMILY, VERSION, tmp_path / "w.parquet", negative_after_days=4e-3 / 86_400)
    assert latest.table.read(["label"])["label"].to_pylist() == [1, 0, 0, 1, 0, 0, None, None, None, None]


def test_a_log_that_is_not_there_or_empty_is_an_empty_window(tmp_path: Path) -> None:
    for log in (tmp_path / "nowhere", tmp_path):
        facts = read_window(log, CHURN_FAMILY, "f6e5d4c3b2a1", tmp_path / "w.parquet").facts
        assert (facts.rows, facts.labelled, facts.first) == (0, 0, None)


def test_damaged_half_written_and_foreign_files_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    log_parts(tmp_path / "log", *([fraud_row(10 * part + number) for number in range(10)] for part in range(3)))
    first, second, _ = parts_of(tmp_path / "log")
    content = bytearray(first.read_bytes())
    content[len(content) // 3] ^= 0xFF
    first.write_bytes(content)
    second.write_bytes(second.read_bytes()[:200])
    log_parts(tmp_path / "other", [churn_row(1)], model="churn")
    (tmp_path / "log" / "fraud" / "part-9.parquet").write_bytes(parts_of(tmp_path / "other", "churn")[0].read_bytes())
    (tmp_path / "log" / "fraud" / ".part-1.tmp").write_bytes(b"half")
    before = {file: file.read_bytes() for file in (tmp_path / "log" / "fraud").iterdir()}
    facts = read_window(tmp_path / "log", FRAUD_FAMILY, VERSION, tmp_path / "w.parquet").facts
    assert facts.rows == 10
    assert [line.partition(":")[0] for line in facts.unreadable] == [first.name, second.name, "part-9.parquet"]
    assert {file: file.read_bytes() for file in (tmp_path / "log" / "fraud").iterdir()} == before


def test_a_part_that_is_merged_away_while_it_is_read_costs_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_parts(tmp_path / "log", *([fraud_row(10 * part + number) for number in range(10)] for part in range(6)))
    merged: list[int] = []

    def merge_once(done: int, _: int) -> None:
        if not merged:
            merged.append(done)
            compact(tmp_path / "log", "fraud")

    facts = read_window(tmp_path / "log", FRAUD_FAMILY, VERSION, tmp_path / "w.parquet", progress=merge_once).facts
    assert merged == [1]
    assert (facts.rows, facts.repeated) == (60, 0)


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_parts(tmp_path / "log", [fraud_row(number) for number in range(10)])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="disk is full"):
            read_window(tmp_path / "log", FRAUD_FAMILY, VERSION, tmp_path / "out" / "w.parquet")
    assert not list((tmp_path / "out").iterdir())


def test_when_the_model_took_over_from_another_is_told(tmp_path: Path) -> None:
    older = [fraud_row(number, version="older") for number in range(20)]
    log_parts(tmp_path / "log", older, [fraud_row(number) for number in range(20, 50)])
    facts = read_window(tmp_path / "log", FRAUD_FAMILY, VERSION, tmp_path / "w.parquet").facts
    assert facts.model_since == START + timedelta(milliseconds=20)
    before = read_window(tmp_path / "log", FRAUD_FAMILY, "older", tmp_path / "w.parquet").facts
    assert before.model_since is None, "it was there before"
    alone = read_window(
        tmp_path / "log", FRAUD_FAMILY, VERSION, tmp_path / "w.parquet", since=START + timedelta(milliseconds=25)
    ).facts
    assert alone.model_since is None, "nobody else answered in these bounds"


def test_a_damaged_file_of_outcomes_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    log_parts(tmp_path / "log", [fraud_row(number) for number in range(10)])
    append_labels(tmp_path / "log", "fraud", [("request-1", 0, 1, START_MICROS)])
    labels = tmp_path / "log" / "fraud" / "labels.sqlite"
    labels.write_bytes(b"not a database" * 400)
    with pytest.raises(StorageError, match=r"labels\.sqlite"):
        read_window(tmp_path / "log", FRAUD_FAMILY, VERSION, tmp_path / "out" / "w.parquet")
    assert labels.read_bytes() == b"not a database" * 400
    assert not list((tmp_path / "out").iterdir())
