"""Small tables that unpack to gigabytes are refused before they do; tables as they are written everywhere are read."""

from __future__ import annotations

import io
import struct
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.serving.problems import ProblemError
from fusionguard.serving.tables import ARROW, PARQUET, read_table

ROWS = 4_000


def table(customer: dict[str, Any], ids: pa.Array) -> pa.Table:
    return pa.table({name: [value] * ROWS for name, value in customer.items()} | {"id": ids})


def parquet(content: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(content, sink, **options)
    return sink.getvalue()


def arrow(content: pa.Table, compression: str | None) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, content.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as stream:
        stream.write_table(content, max_chunksize=1_500)
    return sink.getvalue()


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "zstd", "row_group_size": 1_500}, {"use_dictionary": False}, {"store_schema": False}],
    ids=str,
)
def test_parquet_is_read(customer: dict[str, Any], kind: pa.DataType, options: dict[str, Any]) -> None:
    ids = [f"r{number}" for number in range(ROWS)]
    rows = read_table(parquet(table(customer, pa.array(ids, kind)), **options), PARQUET, CHURN_FAMILY, ROWS)
    assert rows.ids == ids
    assert rows.columns["Geography"].tolist() == [customer["Geography"]] * ROWS


def test_one_long_string_for_all_rows_of_parquet_is_refused(customer: dict[str, Any]) -> None:
    ids = pa.DictionaryArray.from_arrays(pa.array([0] * ROWS, pa.int32()), pa.array(["a" * 300_000]))  # 1.2 GB unpacked
    body = parquet(table(customer, ids), compression="zstd", store_schema=False)
    assert len(body) < 10_000
    with pytest.raises(ProblemError) as refused:
        read_table(body, PARQUET, CHURN_FAMILY, ROWS)
    assert (refused.value.status, refused.value.reason) == (413, "too_large")


@pytest.mark.parametrize("name", ["id", "key"])
@pytest.mark.parametrize("view", [True, False])
def test_one_long_string_for_all_rows_of_arrow_is_refused(customer: dict[str, Any], name: str, view: bool) -> None:
    if view:
        one_view = struct.pack("<i4sii", 300_000, b"aaaa", 0, 0)  # its length and beginning, then where it lies
        buffers = [None, pa.py_buffer(one_view * ROWS), pa.py_buffer(b"a" * 300_000)]
        texts = pa.Array.from_buffers(pa.string_view(), ROWS, buffers)
    else:
        texts = pa.DictionaryArray.from_arrays(pa.array([0] * ROWS, pa.int32()), pa.array(["a" * 300_000]))
    sink = io.BytesIO()
    content = pa.table({key: [value] * ROWS for key, value in customer.items()} | {name: texts})
    with pa.ipc.new_stream(sink, content.schema) as stream:
        stream.write_table(content)
    body = sink.getvalue()
    assert len(body) < 2_000_000
    with pytest.raises(ProblemError) as refused:
        read_table(body, ARROW, CHURN_FAMILY, ROWS, name)
    assert (refused.value.status, refused.value.reason) == (413, "too_large")


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_compressed_arrow_is_refused_and_plain_is_read(customer: dict[str, Any], compression: str) -> None:
    content = table(customer, pa.array([f"r{number}" for number in range(ROWS)]))
    assert read_table(arrow(content, None), ARROW, CHURN_FAMILY, ROWS).ids == content["id"].to_pylist()
    with pytest.raises(ProblemError) as refused:
        read_table(arrow(content, compression), ARROW, CHURN_FAMILY, ROWS)
    assert (refused.value.status, refused.value.reason) == (415, "compressed")
