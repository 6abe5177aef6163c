"""Parquet as many programs write it: other types with the same values give the same table; what does not fit is refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.arrow_columns import text_bytes
from fusionguard.data.ingest import read_raw
from fusionguard.data.schema import DatasetSchema
from fusionguard.errors import DataError

VISITS = DatasetSchema("visits", {"City": "text", "Visits": "integer", "Spent": "float"}, "Visits", "x/visits", "visits.csv")
CITIES, COUNTS, MONEY = ["Lyon", None, "Pau"], [3, 0, None], [1.5, None, 2.25]


def _read(tmp_path: Path, **columns: pa.Array) -> dict[str, list[object]]:
    table = {"City": pa.array(CITIES), "Visits": pa.array(COUNTS), "Spent": pa.array(MONEY)} | columns
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    read = read_raw(tmp_path / "a.parquet", VISITS, tmp_path / "raw.parquet").read()
    assert [str(field.type) for field in read.schema] == ["string", "int64", "double"]
    return read.to_pydict()


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.binary_view(),
        pa.dictionary(pa.int8(), pa.string()),
    ],
)
def test_texts(kind: pa.DataType, tmp_path: Path) -> None:
    assert _read(tmp_path, City=pa.array(CITIES).cast(kind))["City"] == CITIES


@pytest.mark.parametrize(
    "kind",
    [
        *(
            pa.int8(),
            pa.int16(),
            pa.int32(),
            pa.uint8(),
            pa.uint16(),
            pa.uint32(),
            pa.uint64(),
            pa.float16(),
            pa.float32(),
            pa.float64(),
        ),
        *(pa.decimal128(25, 0), pa.decimal128(25, 2), pa.decimal256(40, 3), pa.dictionary(pa.int8(), pa.int64())),
    ],
)
def test_whole_numbers(kind: pa.DataType, tmp_path: Path) -> None:
    given = (
        pa.array(COUNTS).cast(kind.value_type).dictionary_encode()
        if pa.types.is_dictionary(kind)
        else pa.array(COUNTS).cast(kind)
    )
    assert _read(tmp_path, Visits=given)["Visits"] == COUNTS
    assert _read(tmp_path, Spent=given)["Spent"] == COUNTS


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.decimal128(12, 2), pa.decimal256(40, 5), pa.decimal64(9, 2)])
def test_numbers(kind: pa.DataType, tmp_path: Path) -> None:
    assert _read(tmp_path, Spent=pa.array(MONEY).cast(kind))["Spent"] == MONEY


def test_booleans_and_columns_without_a_value(tmp_path: Path) -> None:
    assert _read(tmp_path, Visits=pa.array([True, False, None]))["Visits"] == [1, 0, None]
    nothing = pa.nulls(3)
    assert _read(tmp_path, City=nothing, Visits=nothing, Spent=nothing) == dict.fromkeys(VISITS.columns, [None] * 3)


def test_a_decimal_becomes_the_double_that_its_digits_read_as(tmp_path: Path) -> None:
    digits = np.random.default_rng(4).integers(10**7, 10**9, 2_000)
    written = [f"{each // 100}.{each % 100:02d}" for each in digits.tolist()]
    pq.write_table(
        pa.table({"City": ["Lyon"] * 2_000, "Visits": digits, "Spent": pa.array(map(Decimal, written), pa.decimal128(12, 2))}),
        tmp_path / "a.parquet",
    )
    assert read_raw(tmp_path / "a.parquet", VISITS, tmp_path / "raw.parquet").read()["Spent"].to_pylist() == list(
        map(float, written)
    )


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("Visits", pa.array([1.5, 2.0, 3.0]), "in column Visits that is not int64"),
        ("Visits", pa.array([1, 2, 2**63], pa.uint64()), "in column Visits that is not int64"),
        ("Visits", pa.array([Decimal("1.5"), Decimal(2), Decimal(3)]), "in column Visits that is not int64"),
        ("Visits", pa.array(["1", "2", "3"]), "has string in column Visits. It must hold int64"),
        ("Spent", pa.array(["1"] * 3).dictionary_encode(), "has dictionary<.*> in column Spent. It must hold double"),
        ("Spent", pa.array([1.0, float("inf"), 2.0]), "infinite number in column Spent"),
        ("Spent", pa.array([1.0, float("-inf"), 2.0]).cast(pa.float16()), "infinite number in column Spent"),
        ("Spent", pa.array([1, 2, 3], pa.timestamp("us")), "has timestamp.* in column Spent"),
        ("City", pa.array([b"\xff", b"a", b"b"]), "in column City that is not string"),
        ("City", pa.array([1, 2, 3]), "has int64 in column City. It must hold string"),
        ("City", pa.array([["a"], ["b"], []]), "has list<.*> in column City"),
    ],
)
def test_values_and_types_that_do_not_fit(column: str, values: pa.Array, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        _read(tmp_path, **{column: values})
    assert not (tmp_path / "raw.parquet").exists()


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.string_view(), pa.binary_view()])
def test_bytes_of_texts_are_counted_before_they_are_written_out(kind: pa.DataType) -> None:
    texts = pa.array(["ab", None, "é", "x" * 40, ""]).cast(kind)
    assert text_bytes(texts) == 44
    assert text_bytes(texts.slice(1, 3)) == 42
    assert text_bytes(pa.array(["ab", "x" * 30, "ab", None]).dictionary_encode()) == 34
