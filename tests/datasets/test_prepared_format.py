"""What prepared rows hold is part of the key of stored features: who changes it raises the format, for none to be reused."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.prepared_names import PREPARED_FORMAT
from fusionguard.datasets.preparing import prepare_training
from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.resolving import resolve
from fusionguard.features import store
from fusionguard.features.definitions import features_of
from fusionguard.features.store import content_sha256, feature_key

TEXT = """version: 1
name: t
problem: fraud
id: number
time: {column: at, zone: Europe/London}
amount: {column: paid, currency: GBP, currency_column: cur, rate_column: fx}
label: {column: y, positive: [yes], negative: [no], known: {column: told}}
entities: {card: card}
numeric: {km: {missing: allow, missing_values: [-1]}}
categorical: {trade: null, abroad: {unseen: missing, missing: allow}}
protected: [region]
"""
RAW = {
    "number": [f"p{row}" for row in range(8)],
    "at": [f"2026-03-{day:02d}T03:10:00" for day in (2, 1, 3, 5, 4, 28, 30, 31)],
    "paid": [10.5, 3.0, 2.0, 7.25, 99.0, 4.0, 5.0, 6.0],
    "cur": ["GBP", "EUR", "GBP", "JPY", "GBP", "EUR", "GBP", "GBP"],
    "fx": [1.0, 0.85, None, 0.005, 1.0, 0.86, 1.0, None],
    "y": ["yes", "no", "no", "yes", "no", "no", "yes", "no"],
    "told": ["2026-03-09T00:00:00", "2026-03-08T00:00:00", None, "2026-03-20T00:00:00", None, None, "2026-04-20T00:00:00", None],
    "card": ["a", "b", "a", None, "c", "b", "d", "a"],
    "km": [1.5, -1.0, 2.0, 8.0, None, 3.0, 4.0, 5.0],
    "trade": [5411, 6051, 5411, 5812, 5411, 6051, 5411, 5411],
    "abroad": ["True", "no", "TRUE", None, "no", "True", "no", "no"],
    "region": ["N", "S", "S", "N", None, "S", "N", "N"],
}
KNOWN = {5: "11c6cc1319a5d9e93d88919719f82c402ad2632287f84a2a0fbd5b6b3f22f2a8"}


def test_who_changes_what_prepared_rows_hold_raises_the_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(pa.table(RAW), tmp_path / "raw.parquet")
    raw = Table(tmp_path / "raw.parquet")
    described = resolve(parse_declaration(TEXT), raw)
    made = prepare_training(described, raw, tmp_path / "made.parquet")
    told = "prepared rows hold something else: raise PREPARED_FORMAT, then note the new SHA-256 here"
    assert content_sha256(made) == KNOWN[PREPARED_FORMAT], told

    definition = features_of("t", described)
    provenance = Provenance(dataset="t", origin="local", description="", sha256="1" * 64, rows=8)
    before = feature_key(definition, provenance, "duckdb", described)
    monkeypatch.setattr(store, "PREPARED_FORMAT", PREPARED_FORMAT + 1)
    assert feature_key(definition, provenance, "duckdb", described) != before
