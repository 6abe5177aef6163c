"""Rows that are there several times are learned from, and said: by the run, and on the card."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fusionguard.data.source import RawData
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.described import read_described
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.evaluation.card.sections import origin
from fusionguard.features.store import build_features

TEXT = """\
version: 1
name: loans
problem: churn
rows: rows.csv
label: {column: left, positive: [1]}
numeric:
  income: {missing: allow}
categorical:
  purpose:
ignored: [note]
"""
ROWS = [f"{number},{'car' if number % 3 else 'house'},{number % 2},n{number}" for number in range(37)]
SAID = (
    "5 rows (11.36 %) are the same as an earlier one in every column, and learned from and judged by as often. "
    "Keep one of each, or declare an id where they are not the same."
)


def read(folder: Path, rows: list[str], text: str = TEXT) -> tuple[RawData, ResolvedDataset]:
    header, file = "income,purpose,left,note", folder / "declaration.yaml"
    (folder / "rows.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    return read_described(find_dataset(str(file)), "auto", folder / "read", rows=0, seed=1, earliest=0.6)


def test_a_run_and_its_card_say_how_many_rows_repeat_an_earlier_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    almost = "4,car,0,another note"
    with caplog.at_level(logging.WARNING, "fusionguard.source"):
        raw, described = read(tmp_path, [",car,1,x", *ROWS, almost, ROWS[4], ",car,1,x", ROWS[4], ROWS[9], ROWS[4]])
    assert (described.rows, raw.table.rows, described.repeated_rows) == (44, 44, 5)
    assert [record.getMessage() for record in caplog.records] == [SAID]
    assert ResolvedDataset.from_json(described.to_json()).repeated_rows == 5
    manifest = build_features(raw.table, raw.provenance, "duckdb", tmp_path / "store", described).manifest
    card = origin(raw.provenance, manifest, "a local file")
    assert "| rows that repeat an earlier one in every column | 5 (11.36 %); all are kept" in card


def test_nothing_is_said_where_all_rows_differ(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "fusionguard.source"):
        raw, described = read(tmp_path, ROWS)
    assert described.repeated_rows == 0 and not caplog.records
    assert "repeated_rows" not in described.to_json()
    manifest = build_features(raw.table, raw.provenance, "duckdb", tmp_path / "store", described).manifest
    assert "repeat" not in origin(raw.provenance, manifest, "a local file")
