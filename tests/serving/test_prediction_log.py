"""What is handed to the prediction log is read back, once, typed and in order, whatever else lies in its folder."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.errors import UnknownChoiceError, UsageError
from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.families.fraud.family import FRAUD_FAMILY
from fusionguard.serving.prediction_log import (
    LoggedBatch,
    LoggedRow,
    LogVersionError,
    PredictionLog,
    compact,
    count_unlogged,
    log_schema,
    read_log,
)
from tests.serving.prediction_log_rows import START_MICROS, churn_row, fraud_row, log_parts, parts_of

START = datetime.fromtimestamp(START_MICROS / 1e6, UTC)


def _ids(folder: Path, **window: Any) -> list[str]:
    return read_log(folder, "fraud", **window).table["request_id"].to_pylist()


def _batch(rows: int, features: Any, answers: Any) -> LoggedBatch:
    return LoggedBatch("batch", START_MICROS, "a1b2c3d4e5f6", "simulated", answers, features)


@pytest.mark.parametrize(("model", "make"), [("fraud", fraud_row), ("churn", churn_row)])
def test_rows_come_back_as_they_were(model: str, make: Any, tmp_path: Path) -> None:
    rows = [make(number) for number in range(300)]
    log_parts(tmp_path, rows, model=model)
    window = read_log(tmp_path, model)
    assert window.table.schema == log_schema(model)
    assert (window.repeated, window.unreadable) == (0, ())
    family = {"fraud": FRAUD_FAMILY, "churn": CHURN_FAMILY}[model]
    for row, got in zip(rows, window.table.to_pylist(), strict=True):
        assert (got["request_id"], got["row"], got["shadow"], got["label"]) == (row.request_id, 0, False, None)
        assert (got["model_version"], got["origin"]) == (row.model_version, row.origin)
        assert got["time"] == datetime.fromtimestamp(0, UTC) + timedelta(microseconds=row.time_micros)
        assert tuple(got[name] for name in family.outputs) == row.answer
        assert tuple(got[name] for name in family.features.model_features) == row.features


def test_nothing_in_the_log_says_who_a_customer_is() -> None:
    assert not {name.lower() for name in log_schema("churn").names} & {"surname", "customerid", "rownumber", "row_number"}


@pytest.mark.parametrize("form", ["lists", "numpy", "arrow"])
def test_batches_of_every_form_come_back_as_they_were(form: str, tmp_path: Path) -> None:
    rows = [fraud_row(number) for number in range(1000)]
    features = {name: [row.features[place] for row in rows] for place, name in enumerate(FRAUD_FAMILY.features.model_features)}
    answers = {"score": [row.answer[0] for row in rows], "decision": [row.answer[2] for row in rows], "unknown": [0] * 1000}
    both: tuple[Any, ...] = (features, answers)
    if form == "numpy":
        both = tuple({name: np.asarray(values) for name, values in columns.items()} for columns in both)
    if form == "arrow":
        both = tuple(pa.table(columns) for columns in both)
    log = log_parts(tmp_path, [_batch(1000, *both), fraud_row(0)])
    assert (log.stats.rows_written, log.stats.rows_lost) == (1001, 0)
    table = read_log(tmp_path, "fraud").table.slice(0, 1000)
    assert table["row"].to_pylist() == list(range(1000))
    assert table["probability"].null_count == 1000
    for name, values in (features | {name: answers[name] for name in ("score", "decision")}).items():
        assert table[name].to_pylist() == values


@pytest.mark.parametrize(
    ("bad", "column"),
    [
        (fraud_row(1)._replace(request_id="secret\ud800"), "request_id"),
        (fraud_row(1)._replace(time_micros="secret"), "time"),
        (fraud_row(1)._replace(features=("secret", *fraud_row(1).features[1:])), "V1"),
        (fraud_row(1)._replace(features=(*fraud_row(1).features[:-1], 12.5)), "amount_fraction_cents"),
        (fraud_row(1)._replace(features=(1.0,)), "V1"),
        (_batch(1, {"V1": [1.0]}, {}), "V2"),
        (_batch(1, {name: [1.0] for name in FRAUD_FAMILY.features.model_features}, {"score": [1.0, 2.0]}), "the lengths"),
    ],
)
def test_a_record_that_does_not_fit_is_lost_alone_and_named_without_its_content(bad: Any, column: str, tmp_path: Path) -> None:
    log = log_parts(tmp_path, [fraud_row(0), bad, fraud_row(2)])
    assert (log.stats.rows_accepted, log.stats.rows_written, log.stats.rows_lost) == (3, 2, 1)
    assert log.stats.last_error is not None
    assert column in log.stats.last_error
    assert "secret" not in log.stats.last_error
    assert _ids(tmp_path) == ["request-0", "request-2"]


def test_a_row_is_read_once_and_the_earliest_counts(tmp_path: Path) -> None:
    again = fraud_row(5, "request-1", version="later")
    log_parts(tmp_path, [fraud_row(number) for number in range(4)], [again, fraud_row(6)], [fraud_row(1)._replace(row=1)])
    window = read_log(tmp_path, "fraud")
    assert window.repeated == 1
    found = [(row["request_id"], row["row"], row["model_version"]) for row in window.table.to_pylist()]
    assert found == [
        ("request-0", 0, "a1b2c3d4e5f6"),
        ("request-1", 0, "a1b2c3d4e5f6"),
        ("request-1", 1, "a1b2c3d4e5f6"),
        ("request-2", 0, "a1b2c3d4e5f6"),
        ("request-3", 0, "a1b2c3d4e5f6"),
        ("request-6", 0, "a1b2c3d4e5f6"),
    ]


def test_a_challengers_answers_are_read_apart(tmp_path: Path) -> None:
    log_parts(tmp_path, [fraud_row(1), fraud_row(1, shadow=True, version="challenger")])
    assert read_log(tmp_path, "fraud").table["model_version"].to_pylist() == ["a1b2c3d4e5f6"]
    shadows = read_log(tmp_path, "fraud", shadow=True)
    assert (shadows.table["model_version"].to_pylist(), shadows.repeated) == (["challenger"], 0)


def test_a_window_begins_with_its_first_moment_and_ends_before_its_last(tmp_path: Path) -> None:
    log_parts(tmp_path, [fraud_row(number) for number in range(10)], [fraud_row(number) for number in range(10, 20)])
    third, twelfth = START + timedelta(milliseconds=3), START + timedelta(milliseconds=12)
    assert _ids(tmp_path, since=third, until=twelfth) == [f"request-{number}" for number in range(3, 12)]
    assert _ids(tmp_path, until=third) == ["request-0", "request-1", "request-2"]
    assert _ids(tmp_path, since=START + timedelta(days=1)) == []
    assert read_log(tmp_path, "fraud", columns=["score", "V3"]).table.column_names == ["score", "V3"]
    with pytest.raises(UsageError, match="no time zone"):
        read_log(tmp_path, "fraud", since=datetime(2026, 1, 1))
    with pytest.raises(UnknownChoiceError, match="Unknown column 'Surname'"):
        read_log(tmp_path, "fraud", columns=["Surname"])


def test_rows_that_the_log_does_not_hold_are_counted_over_all_of_its_parts(tmp_path: Path) -> None:
    rows = [fraud_row(number) for number in range(30)]
    log_parts(tmp_path, rows[:20], rows[20:])
    asked = [(rows[3].request_id, 0), (rows[25].request_id, 0), (rows[25].request_id, 1), ("nobody's", 0), ("nobody's", 0)]
    assert count_unlogged(tmp_path, "fraud", asked) == 2
    assert count_unlogged(tmp_path / "nowhere", "fraud", asked) == 4
    parts_of(tmp_path)[1].write_bytes(b"damaged")
    assert count_unlogged(tmp_path, "fraud", asked) == 3
    assert count_unlogged(tmp_path, "fraud", []) == 0


def test_a_log_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path / "none", "fraud").table == log_schema("fraud").empty_table()
    assert compact(tmp_path / "none", "fraud").merged == 0
    assert list(tmp_path.iterdir()) == []


def _altered(part: Path) -> None:
    content = bytearray(part.read_bytes())
    content[200] ^= 1
    part.write_bytes(content)


def _newer(part: Path, mark: bytes) -> None:
    table = pq.read_table(part)
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, mark: b"2"}), part)


_DAMAGES = {
    "altered": _altered,
    "cut off": lambda part: os.truncate(part, part.stat().st_size // 2),
    "empty": lambda part: os.truncate(part, 0),
    "another log's": lambda part: _other_log(part),
    "not a log": lambda part: pq.write_table(pa.table({"x": [1]}), part),
}


def _other_log(part: Path) -> None:
    log_parts(part.parents[1] / "other", [churn_row(0)], model="churn")
    shutil.copy(parts_of(part.parents[1] / "other", "churn")[0], part)


@pytest.mark.parametrize("damage", _DAMAGES)
def test_a_damaged_part_is_named_and_left_out_and_nothing_is_deleted(damage: str, tmp_path: Path) -> None:
    log_parts(tmp_path, *([fraud_row(number)] * 1 for number in range(4)))
    part = parts_of(tmp_path)[1]
    _DAMAGES[damage](part)
    before = part.read_bytes()
    for expected_parts in (4, 2):  # then compacted: the damaged part and one of the three others
        window = read_log(tmp_path, "fraud")
        assert window.table["request_id"].to_pylist() == ["request-0", "request-2", "request-3"]
        assert [unreadable.path for unreadable in window.unreadable] == [part]
        assert window.unreadable[0].why
        assert len(parts_of(tmp_path)) == expected_parts
        done = compact(tmp_path, "fraud")
        assert done.skipped == (part,)
    assert part.read_bytes() == before


@pytest.mark.parametrize("mark", [b"fusionguard.log_version", b"fusionguard.feature_schema_version"])
def test_a_part_of_a_newer_version_is_refused_and_left_alone(mark: bytes, tmp_path: Path) -> None:
    log_parts(tmp_path, [fraud_row(0)], [fraud_row(1)], [fraud_row(2)])
    part = parts_of(tmp_path)[2]
    _newer(part, mark)
    with pytest.raises(LogVersionError, match=r"version 2; this FusionGuard reads versions up to 1\. Read it with") as caught:
        read_log(tmp_path, "fraud")
    assert (caught.value.path, caught.value.found, caught.value.known) == (part, 2, 1)
    assert compact(tmp_path, "fraud").skipped == (part,)
    assert part in parts_of(tmp_path)


def test_one_flush_of_many_rows_makes_parts_of_the_rotations_size(tmp_path: Path) -> None:
    log_parts(tmp_path, [fraud_row(number) for number in range(250)], rotate_rows=100)
    assert [pq.read_metadata(part).num_rows for part in parts_of(tmp_path)] == [100, 100, 50]


def test_rows_are_on_the_disk_after_the_flush_interval(tmp_path: Path) -> None:
    log = PredictionLog.open(tmp_path, model="fraud", flush_seconds=0.05)
    log.append(fraud_row(0))
    until = time.monotonic() + 10
    while not parts_of(tmp_path) and time.monotonic() < until:
        time.sleep(0.01)
    assert _ids(tmp_path) == ["request-0"]
    log.close()


def test_many_rows_are_written_before_the_interval_ends(tmp_path: Path) -> None:
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60, max_rows=400) as log:
        until = time.monotonic() + 20
        accepted = 0
        while accepted < 2000 and time.monotonic() < until:
            accepted += log.append(fraud_row(accepted))
        assert accepted == 2000
    assert len(_ids(tmp_path)) == 2000


def test_closing_writes_what_is_pending_and_then_takes_no_more(tmp_path: Path) -> None:
    log = PredictionLog.open(tmp_path, model="fraud", flush_seconds=60)
    log.append(fraud_row(0))
    log.close()
    log.close()
    assert not log.append(fraud_row(1))
    assert (log.stats.rows_written, log.stats.rows_lost, log.stats.rows_pending) == (1, 1, 0)
    assert _ids(tmp_path) == ["request-0"]


@pytest.mark.parametrize("wrong", [{"flush_seconds": 0}, {"max_rows": 0}, {"rotate_rows": -1}])
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(wrong))}=.* is not above 0"):
        PredictionLog.open(tmp_path, model="fraud", **wrong)
    with pytest.raises(UnknownChoiceError, match="Unknown model 'tax'"):
        PredictionLog.open(tmp_path, model="tax")


def test_appending_a_row_costs_microseconds(tmp_path: Path) -> None:
    rows: list[LoggedRow] = [fraud_row(number) for number in range(5_000)]
    seconds = []
    with PredictionLog.open(tmp_path, model="fraud", flush_seconds=60) as log:
        for _ in range(5):
            begun = time.perf_counter()
            for row in rows:
                log.append(row)
            seconds.append(time.perf_counter() - begun)
    assert min(seconds) / len(rows) < 10e-6
