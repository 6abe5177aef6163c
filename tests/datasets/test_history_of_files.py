"""Features of windows in files: those that a model was trained on are those that it is asked with, given the rows before."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from fusionguard.data.table import Table
from fusionguard.datasets.history import window_features
from fusionguard.datasets.preparing import prepare_training
from fusionguard.datasets.reading import DeclaredDataset, parse_declaration
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.scoring_rows import prepare_file, prepare_rows, scored_columns
from fusionguard.errors import DataError
from fusionguard.features.declared import declared_features
from fusionguard.features.duckdb_engine import DuckDBEngine, score_rows
from tests.datasets.test_history import declare, draw, table_of


def declared(**changed: object) -> DeclaredDataset:
    """Return the declared payments, read from text."""
    return parse_declaration(yaml.safe_dump(declare(**changed).model_dump(mode="json", exclude_defaults=True)))


def write(table: pa.Table, file: Path) -> Table:
    """Write a table and return it as it lies on disk."""
    pq.write_table(table, file)
    return Table(file)


@pytest.mark.parametrize("known", [{"column": "told_at"}, {"after": "90s"}])
def test_scored_rows_see_of_earlier_ones_what_trained_rows_saw(tmp_path: Path, known: dict[str, str]) -> None:
    ignored = ["told_at"] if "after" in known else []
    dataset = declared(label={"column": "fraud", "known": known, "missing": "leave_out"}, ignored=ignored)
    raw = table_of(sorted(draw(23, rows=400), key=lambda each: each.second))
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
        assert len(set(answered)) > 1, feature.name


def test_a_row_of_nobody_has_no_history_and_is_scored() -> None:
    described = resolve(declared(), table_of(draw(3)))
    assert {"card number", "shop", "at", "amount"} <= set(scored_columns(described, ()))
    assert "payment" not in scored_columns(described, ())
    assert "payment" in scored_columns(described, ("payment",))


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
