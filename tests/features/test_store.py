"""The feature store: made once, reused while intact, made again when damaged, never half there."""

from __future__ import annotations

import resource
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.resolving import resolve
from fusionguard.errors import StorageError, UnknownChoiceError
from fusionguard.features import store as store_module
from fusionguard.features.declared import declared_features
from fusionguard.features.duckdb_engine import DuckDBEngine
from fusionguard.features.fraud import COLUMN_TYPES, FRAUD_FEATURES, SCHEMA_VERSION
from fusionguard.features.store import FeatureManifest, build_features, content_sha256, feature_key

from .conftest import MakeRaw


def test_the_manifest_says_what_was_made_from_what(make_raw: MakeRaw, provenance: Provenance, tmp_path: Path) -> None:
    built = build_features(make_raw(5_000, duplicates=40), provenance, "duckdb", tmp_path / "store")
    manifest = built.manifest
    assert manifest.schema_version == SCHEMA_VERSION
    assert (manifest.dataset, manifest.origin, manifest.engine) == ("fraud", "simulated", "duckdb")
    assert manifest.simulated
    assert manifest.source_sha256 == provenance.sha256
    assert manifest.raw_rows == 5_000
    assert manifest.rows == built.table.rows == 5_000 - manifest.duplicates_dropped
    assert 35 <= manifest.duplicates_dropped <= 40
    assert manifest.columns == COLUMN_TYPES
    folder = tmp_path / "store" / "fraud" / feature_key(FRAUD_FEATURES, provenance, "duckdb")
    assert FeatureManifest.model_validate_json((folder / "manifest.json").read_bytes()) == manifest
    assert {path.name for path in folder.rglob("*")} == {"features", "part-00000.parquet", "manifest.json"}


def test_an_intact_feature_set_is_reused(
    make_raw: MakeRaw, provenance: Provenance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = make_raw(2_000)
    first = build_features(raw, provenance, "duckdb", tmp_path)
    monkeypatch.setattr(DuckDBEngine, "build", lambda *_: pytest.fail("built again"))
    again = build_features(raw, provenance.model_copy(update={"description": "other words"}), "duckdb", tmp_path)
    assert again == first


@pytest.mark.parametrize("change", ["cut", "altered", "gone", "manifest cut", "manifest gone", "manifest of an old version"])
def test_a_damaged_feature_set_is_made_again(make_raw: MakeRaw, provenance: Provenance, tmp_path: Path, change: str) -> None:
    raw = make_raw(2_000)
    first = build_features(raw, provenance, "duckdb", tmp_path)
    part, manifest = first.table.files[0], first.table.path.parent / "manifest.json"
    whole = part.read_bytes()
    if change == "cut":
        part.write_bytes(whole[: len(whole) // 2])
    elif change == "altered":
        table = pq.read_table(part)
        pq.write_table(table.set_column(1, "V1", pa.array([9.0, *table["V1"].to_pylist()[1:]])), part)
    elif change == "gone":
        part.unlink()
    elif change == "manifest cut":
        manifest.write_bytes(manifest.read_bytes()[:100])
    elif change == "manifest gone":
        manifest.unlink()
    else:
        manifest.write_text('{"rows": 3}')
    assert build_features(raw, provenance, "duckdb", tmp_path).manifest == first.manifest
    assert content_sha256(Table(first.table.path)) == first.manifest.features_sha256


@pytest.mark.parametrize(
    "change", [{"sha256": "0" * 64}, {"negative_sampling_rate": 0.5}, {"origin": "local"}, {"dataset": "other"}]
)
def test_whatever_the_manifest_depends_on_is_in_the_key(provenance: Provenance, change: dict[str, object]) -> None:
    assert feature_key(FRAUD_FEATURES, provenance.model_copy(update=change), "duckdb") != feature_key(
        FRAUD_FEATURES, provenance, "duckdb"
    )
    assert feature_key(FRAUD_FEATURES, provenance, "spark") != feature_key(FRAUD_FEATURES, provenance, "duckdb")


def test_the_schema_version_is_in_the_key(provenance: Provenance) -> None:
    before = feature_key(FRAUD_FEATURES, provenance, "duckdb")
    assert feature_key(replace(FRAUD_FEATURES, schema_version=SCHEMA_VERSION + 1), provenance, "duckdb") != before


def test_the_content_hash_sees_values_names_and_types_but_not_the_files(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([1, 2, None, 4], pa.int32()), "b": [0.5, 1.5, 2.5, 3.5]})

    def sha256(name: str, *pieces: pa.Table, **options: object) -> str:
        folder = tmp_path / name
        folder.mkdir()
        for number, piece in enumerate(pieces):
            pq.write_table(piece, folder / f"part-{number}.parquet", **options)
        return content_sha256(Table(folder))

    whole = sha256("whole", table)
    assert sha256("parts", table.slice(0, 1), table.slice(1)) == whole
    assert sha256("groups", table, row_group_size=3, compression="zstd", use_dictionary=False) == whole
    others = {
        "order": table.take([1, 0, 2, 3]),
        "null": table.set_column(0, "a", pa.array([1, 2, 0, 4], pa.int32())),
        "null elsewhere": table.set_column(0, "a", pa.array([1, 2, 0, None], pa.int32())),
        "type": table.set_column(0, "a", table["a"].cast(pa.int64())),
        "name": table.rename_columns(["a", "c"]),
        "value": table.set_column(1, "b", pa.array([0.5, 1.5, 2.5, 3.5000000000000004])),
        "fewer": table.slice(0, 3),
    }
    assert len({whole, *(sha256(name, other) for name, other in others.items())}) == len(others) + 1


def test_an_unknown_engine_lists_the_known_ones(make_raw: MakeRaw, provenance: Provenance, tmp_path: Path) -> None:
    with pytest.raises(UnknownChoiceError, match=r"Unknown engine 'pandas'\. Valid choices: duckdb, spark\."):
        build_features(make_raw(10), provenance, "pandas", tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_full_disk_is_said_and_leaves_nothing(make_raw: MakeRaw, provenance: Provenance, tmp_path: Path) -> None:
    raw = make_raw(20_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))  # a file that may not grow: what a full disk looks like
    try:
        with pytest.raises(StorageError, match="DuckDB could not read or write"):
            build_features(raw, provenance, "duckdb", tmp_path / "store")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "store" / "fraud").iterdir()) == []


def test_a_store_whose_parent_is_a_file(make_raw: MakeRaw, provenance: Provenance, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        build_features(make_raw(10), provenance, "duckdb", tmp_path / "file" / "store")


def test_an_interruption_leaves_nothing(
    make_raw: MakeRaw, provenance: Provenance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(store_module, "content_sha256", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build_features(make_raw(2_000), provenance, "duckdb", tmp_path / "store")
    assert list((tmp_path / "store" / "fraud").iterdir()) == []


def test_another_declaration_of_the_same_rows_has_another_key(provenance: Provenance) -> None:
    raw = pa.table({"x": [1.5, 2.5, 4.5], "c": ["a", "b", "a"], "at": ["2024-03-01", "2024-03-02", "2024-03-09"], "y": [0, 1, 1]})
    text = "version: 1\nname: t\nproblem: fraud\ntime: at\nlabel: y\nnumeric: {x: null}\ncategorical: {c: null}\n"
    texts = (
        text,
        text.replace("x: null", "x: {range: [0, 5]}"),
        text.replace("label: y", "label: {column: y, positive: [0]}"),
        text.replace("c: null", "c: {values: [b, a]}"),
        text.replace("time: at", "time: {column: at, zone: Europe/London}"),
        text.replace("label: y", "label: {column: y, known: {after: 2d}}"),
    )
    found = [resolve(parse_declaration(each), raw) for each in texts] + [resolve(parse_declaration(text), raw, earliest=0.5)]
    assert found[-1].columns["x"].range == (1.5, 2.5)
    keys = {feature_key(declared_features(each), provenance, "duckdb", each) for each in found}
    assert len(keys) == len(found)
