"""Features of windows in files: those that a model was trained on are those that it is asked with, given the rows before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from fusionguard.data.table import Table
from fusionguard.datasets import remembering
from fusionguard.datasets.faults import ContradictionError
from fusionguard.datasets.history import window_features
from fusionguard.datasets.history_checks import history_remarks
from fusionguard.datasets.preparing import prepare_training
from fusionguard.datasets.reading import DeclaredDataset, parse_declaration
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.scoring_rows import prepare_file, prepare_rows, read_earlier, scored_columns
from fusionguard.errors import DataError
from fusionguard.features.declared import declared_features
from fusionguard.features.duckdb_engine import DuckDBEngine, score_rows
from tests.datasets.test_history import LATE, declare, draw, late, table_of


def declared(**changed: object) -> DeclaredDataset:
    """Return the declared payments, read from text."""
    return parse_declaration(yaml.safe_dump(declare(**changed).model_dump(mode="json", exclude_defaults=True)))


def write(table: pa.Table, file: Path) -> Table:
    """Write a table and return it as it lies on disk."""
    pq.write_table(table, file)
    return Table(file)


@pytest.mark.parametrize("changed", [{}, LATE], ids=["punctual", "late"])
def test_what_is_found_by_shares_of_the_rows_is_what_is_found_at_once(
    changed: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [replace(each, positive=each.positive or 0) for each in draw(37)]
    raw = write(table_of(late(events, 37) if changed else events), tmp_path / "raw.parquet")
    described = resolve(declared(label={"column": "fraud", "known": {"column": "told_at"}}, **changed), raw)
    at_once = prepare_training(described, raw, tmp_path / "at-once.parquet").read()
    monkeypatch.setattr(remembering, "SHARE_ROWS", 70)
    assert prepare_training(described, raw, tmp_path / "by-shares.parquet").read().equals(at_once)
    assert at_once["past_shop_rows_5m"].null_count > 3, "rows of nobody"


@pytest.mark.parametrize(
    ("known", "observed"), [({"column": "told_at"}, False), ({"after": "90s"}, False), ({"after": "90s"}, True)]
)
def test_scored_rows_see_of_earlier_ones_what_trained_rows_saw(tmp_path: Path, known: dict[str, str], observed: bool) -> None:
    ignored = ["told_at"] if "after" in known else []
    label = {"column": "fraud", "known": known, "missing": "leave_out"}
    dataset = declared(label=label, ignored=ignored, **(LATE if observed else {}))
    events = sorted(draw(23, rows=400), key=lambda each: each.second)
    raw = table_of(late(events, 23) if observed else events)
    described = resolve(dataset, raw)
    definition = declared_features(described)
    prepared = prepare_training(described, write(raw, tmp_path / "raw.parquet"), tmp_path / "prepared.parquet")
    trained = DuckDBEngine(definition, span_rows=90).build(prepared, tmp_path / "features").read()
    places = {name: place for place, name in enumerate(raw["payment"].to_pylist())}
    rows = [places[name] for name in prepared.read(["_carried"])["_carried"].to_pylist()]

    later = raw.slice(250)
    earlier = write(raw.slice(0, 260), tmp_path / "earlier.parquet")  # ten of the rows that are scored are in both files
    scored, _ = prepare_file(described, write(later, tmp_path / "later.parquet"), tmp_path / "scored.parquet", earlier)
    features = score_rows(definition, scored, tmp_path / "scores.parquet").read()
    asked = [(place, row - 250) for place, row in enumerate(rows) if row >= 250]
    assert len(asked) > 100
    for feature in window_features(dataset.declaration):
        learned, answered = trained[feature.name].to_pylist(), features[feature.name].to_pylist()
        assert [learned[place] for place, _ in asked] == [answered[row] for _, row in asked], feature.name
        assert len(set(answered)) > 1 or feature.aggregate == "label_run", feature.name


def test_a_row_of_nobody_has_no_history_and_is_scored() -> None:
    described = resolve(declared(), table_of(draw(3)))
    assert {"card number", "shop", "at", "amount"} <= set(scored_columns(described, ()))
    assert "payment" not in scored_columns(described, ())
    assert "payment" in scored_columns(described, ("payment",))


def test_a_row_need_not_say_when_it_arrived_to_be_scored() -> None:
    described = resolve(declared(**LATE), table_of(late(draw(3), 3)))
    assert "seen_at" not in scored_columns(described, ())
    assert "seen_at" in scored_columns(described, ("seen_at",))


@pytest.mark.parametrize(
    ("seconds", "said"), [(-9.0, "arrived before it happened"), (float("inf"), "holds no such time as the rows' own is")]
)
def test_rows_that_cannot_have_arrived_then_are_refused_by_their_place(seconds: float, said: str) -> None:
    raw = table_of(late(draw(3), 3))
    seen = raw["seen_at"].to_pylist()
    seen[7] = raw["at"][7].as_py() + seconds
    wrong = raw.set_column(0, "seen_at", pa.array(seen, pa.float64()))
    with pytest.raises(ContradictionError, match=f"time.observed is 'seen_at', and row 7 {said}"):
        resolve(declared(**LATE), wrong)


def test_rows_in_memory_do_not_say_what_happened_before() -> None:
    raw = table_of(draw(3))
    with pytest.raises(DataError, match="read what happened before each row"):
        prepare_rows(resolve(declared(), raw), raw)


def test_a_time_that_is_none_is_refused_in_the_file_of_earlier_rows_too(tmp_path: Path) -> None:
    raw = table_of(draw(3))
    described = resolve(declared(), raw)
    broken = raw.set_column(1, "at", pa.array([None, *raw["at"].to_pylist()[1:]], pa.float64()))
    earlier, asked = write(broken, tmp_path / "earlier.parquet"), write(raw, tmp_path / "raw.parquet")
    with pytest.raises(DataError, match=r"'at' has 1 cell that is not .* \(rows 0\)"):
        prepare_file(described, asked, tmp_path / "scored.parquet", earlier)
    files = ("new.csv", "old.csv")
    with pytest.raises(DataError, match=r"'at' of old\.csv has 1 cell that is not .* \(rows 0\)"):
        prepare_file(described, asked, tmp_path / "scored.parquet", earlier, files=files)
    with pytest.raises(DataError, match=r"'at' of new\.csv has 1 cell that is not .* \(rows 0\)"):
        prepare_file(described, earlier, tmp_path / "scored.parquet", asked, files=files)


@pytest.mark.parametrize(
    ("moved", "told"),
    [
        (0, ["The history begins 2 hours before the first row of the input: what windows of 2d remember from before that"]),
        (86_400 * 1.5, ["The history ends 36 hours before", "The history begins 38 hours before"]),
        (86_400 * 4, ["The history ends 4 days before the first row of the input: no window sees anything of it."]),
        (-86_400, ["The history begins after the last row of the input: no row sees anything of it."]),
    ],
)
def test_a_history_that_lies_elsewhere_in_time_is_told(tmp_path: Path, moved: float, told: list[str]) -> None:
    declaration = declared(windows={"card": {"spans": ["1h", "2d"], "of": ["count"]}}).declaration
    events = sorted(draw(4), key=lambda each: each.second)
    raw = table_of([replace(each, second=60 * (place % 150)) for place, each in enumerate(events)])
    times = pa.array([at + 9_000 + moved for at in raw["at"].to_pylist()])
    earlier, asked = write(raw, tmp_path / "earlier.parquet"), write(raw.set_column(1, "at", times), tmp_path / "asked.parquet")
    found = list(history_remarks(declaration, asked, earlier))
    assert len(found) == len(told)
    assert all(line.startswith(start) for line, start in zip(found, told, strict=True)), found


def test_a_history_that_is_empty_or_tells_no_rows_apart_is_told(tmp_path: Path) -> None:
    declaration = declared(windows={"card": {"spans": ["20m"], "of": ["count"]}}).declaration
    raw = table_of(draw(4))
    asked = write(raw, tmp_path / "asked.parquet")
    empty = write(raw.slice(0, 0), tmp_path / "empty.parquet")
    assert list(history_remarks(declaration, asked, empty)) == [
        "The history holds no rows: of what happened before the rows of the input, nothing is known."
    ]
    nameless = write(raw.drop_columns(["payment"]), tmp_path / "nameless.parquet")
    assert next(history_remarks(declaration, asked, nameless)) == (
        "The history has no column 'payment': a row that is in the input, too, counts twice."
    )


def test_outcomes_of_earlier_rows_are_needed_and_dated_as_is_declared(tmp_path: Path) -> None:
    described = resolve(declared(), table_of(draw(3)))
    raw = table_of(draw(3))
    asked = write(raw, tmp_path / "asked.parquet")
    write(raw.drop_columns(["fraud"]), tmp_path / "unlabelled.parquet")
    with pytest.raises(DataError, match="fraud"):
        read_earlier(described, tmp_path / "unlabelled.parquet", tmp_path / "read.parquet")
    dates = pa.array([None, "yesterday", *[None] * (raw.num_rows - 2)], pa.string())
    place = raw.column_names.index("told_at")
    misdated = write(raw.set_column(place, "told_at", dates), tmp_path / "misdated.parquet")
    with pytest.raises(DataError, match=r"'told_at' has 1 cell.* \(rows? 1\)"):
        prepare_file(described, asked, tmp_path / "scored.parquet", misdated)


def test_windows_that_are_longer_than_the_table_are_told_when_it_is_prepared(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raw = table_of(draw(3))
    for span, said in (("10d", 1), ("20m", 0)):
        described = resolve(declared(windows={"card": {"spans": [span], "of": ["count"]}}), raw)
        caplog.clear()
        prepare_training(described, write(raw, tmp_path / "raw.parquet"), tmp_path / f"{span}.parquet")
        told = [each.message for each in caplog.records if "no row sees a whole one" in each.message]
        assert len(told) == said
    assert said == 0
