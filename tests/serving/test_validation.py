"""Bad bodies: each gets a 4xx that names the path and what is expected there, never the value, never a 5xx."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.serving.tables import ARROW, OCTETS, PARQUET
from tests.serving.conftest import RunningService

Row = dict[str, Any]


def problem(answer: httpx.Response, status: int, path: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    content: dict[str, Any] = answer.json()
    assert content["status"] == status and content["reason"] and content["detail"]
    if path is not None:
        assert path in [fault["path"] for fault in content["errors"]], content
        assert all(fault["expected"] and fault["found"] for fault in content["errors"])
    return content


@pytest.mark.parametrize(
    ("change", "path", "found"),
    [
        ({"V3": "1.5"}, "V3", "a string"),
        ({"V3": None}, "V3", "null"),
        ({"V3": True}, "V3", "a boolean"),
        ({"V3": [1.0]}, "V3", "an array"),
        ({"V3": {"value": 1}}, "V3", "an object"),
        ({"V3": 151.0}, "V3", "a number out of range"),
        ({"Amount": -0.01}, "Amount", "a number out of range"),
        ({"Time": 10**30}, "Time", "a number out of range"),
        ({"Class": 1}, "Class", "a field that no model reads"),
        ({"id": 7}, "id", "a number"),
        ({"id": "a b"}, "id", "another string"),
    ],
)
def test_a_wrong_field_is_named(service: RunningService, transaction: Row, change: Row, path: str, found: str) -> None:
    for route in ("score", "explain"):
        content = problem(service.post(f"/v1/fraud/{route}", transaction | change), 422, path)
        assert content["errors"] == [{"path": path, "expected": content["errors"][0]["expected"], "found": found}]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"Geography": "Atlantis"}, "Geography"),
        ({"Gender": 987654}, "Gender"),
        ({"Age": 17.03125}, "Age"),
        ({"Age": 39.0625}, "Age"),
        ({"Surname": "Hargrave"}, "Surname"),
        ({"CustomerId": 15634602}, "CustomerId"),
    ],
)
def test_a_wrong_customer_is_named_without_the_value(service: RunningService, customer: Row, change: Row, path: str) -> None:
    answer = service.post("/v1/churn/score", customer | change)
    problem(answer, 422, path)
    assert str(next(iter(change.values()))) not in answer.text.replace(path, "")
    assert "Hargrave" not in service.output.read_text()


def test_all_faults_are_told_at_once(service: RunningService, transaction: Row) -> None:
    row = transaction | {"V1": "x", "V2": None, "nonsense": 1}
    del row["Amount"]
    content = problem(service.post("/v1/fraud/score", row), 422)
    assert {fault["path"] for fault in content["errors"]} == {"V1", "V2", "nonsense", "Amount"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "01", "+1", "0x1", "1.", "'1'"])
def test_numbers_that_json_does_not_have(service: RunningService, transaction: Row, number: str) -> None:
    body = json.dumps(transaction).replace('"V3": 0.0', f'"V3": {number}')
    assert number in body
    answer = service.client.post("/v1/fraud/score", content=body, headers={"content-type": "application/json"})
    assert problem(answer, answer.status_code)["status"] in (400, 422)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 30_000, 400),
        (b"null", 422),
        (b"[]", 422),
        (b'"x"', 422),
        (b"{}", 422),
    ],
)
@pytest.mark.parametrize("route", ["score", "explain", "score_batch", "labels"])
def test_bodies_that_are_no_row(service: RunningService, route: str, body: bytes, status: int) -> None:
    answer = service.client.post(f"/v1/fraud/{route}", content=body, headers={"content-type": "application/json"})
    problem(answer, status)


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"])
@pytest.mark.parametrize("route", ["score", "score_batch", "explain", "labels"])
def test_other_content_types(service: RunningService, transaction: Row, route: str, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    answer = service.client.post(f"/v1/fraud/{route}", content=json.dumps(transaction).encode(), headers=headers)
    problem(answer, 415)


def test_a_compressed_body(service: RunningService, transaction: Row) -> None:
    problem(service.post("/v1/fraud/score", transaction, headers={"content-encoding": "gzip"}), 415)


def test_a_row_that_is_too_large(service: RunningService, transaction: Row) -> None:
    problem(service.post("/v1/fraud/score", transaction | {"x": "y" * 70_000}), 413)


@pytest.mark.parametrize(
    ("batch", "status", "path"),
    [
        ({"rows": []}, 422, "rows"),
        ({"rows": {}}, 422, "rows"),
        ({"rows": [1]}, 422, "rows[0]"),
        ({"rows": ["ROW", "ROW"], "columns": {}}, 422, "$"),
        ({"table": []}, 422, "$"),
        ({"rows": [{"id": "a"}, {"id": "a"}]}, 422, "rows[1].id"),
        ({"rows": [{"id": "a"}, {}]}, 422, "rows[1].id"),
        ({"rows": [{}, {"V7": "1"}]}, 422, "rows[1].V7"),
        ({"rows": [{}, {"V7": 1e9}]}, 422, "rows[1].V7"),
        ({"rows": [{}, {"W": 1}]}, 422, "rows[1].W"),
        ({"columns": []}, 422, "columns"),
        ({"columns": {}}, 422, "columns.V1"),
        ({"columns": {"V3": 1.0}}, 422, "columns.V3"),
        ({"columns": {"V3": [1.0, 2.0, 3.0]}}, 422, "columns.V3"),
        ({"columns": {"V3": [1.0, "2"]}}, 422, "columns.V3[1]"),
        ({"columns": {"V3": [1.0, None]}}, 422, "columns.V3[1]"),
        ({"columns": {"V3": [1.0, [2.0]]}}, 422, "columns.V3[1]"),
        ({"columns": {"id": ["a", "a"]}}, 422, "columns.id[1]"),
        ({"columns": {"W": [1.0, 2.0]}}, 422, "columns.W"),
    ],
)
def test_wrong_batches(service: RunningService, transaction: Row, batch: Row, status: int, path: str) -> None:
    """Rows are filled up with a transaction, columns with two of them, so that one thing alone is wrong."""
    if isinstance(batch.get("rows"), list):
        batch = batch | {"rows": [transaction | row if isinstance(row, dict) else row for row in batch["rows"]]}
    if isinstance(batch.get("columns"), dict) and batch["columns"]:
        batch = {"columns": {name: [value, value] for name, value in transaction.items()} | batch["columns"]}
    problem(service.post("/v1/fraud/score_batch", batch), status, path)


def test_too_many_rows(service: RunningService, transaction: Row) -> None:
    columns = {name: [0.0] * 10_001 for name in transaction}
    problem(service.post("/v1/fraud/score_batch", {"columns": columns}), 413, "columns.Time")


def test_faults_of_a_large_batch_are_counted_but_not_all_told(service: RunningService, transaction: Row) -> None:
    content = problem(service.post("/v1/fraud/score_batch", {"rows": [transaction | {"V1": "x"}] * 3_000}), 422)
    assert len(content["errors"]) == 20
    assert content["errors_in_all"] >= 200


def table_body(table: pa.Table, kind: str) -> bytes:
    sink = io.BytesIO()
    if kind == PARQUET:
        pq.write_table(table, sink)
    else:
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    return sink.getvalue()


def columns_of(row: Row, rows: int) -> dict[str, Any]:
    return {name: [value] * rows for name, value in row.items()}


@pytest.mark.parametrize("kind", [PARQUET, ARROW])
@pytest.mark.parametrize("family", ["fraud", "churn"])
def test_tables_give_what_json_gives(service: RunningService, transaction: Row, customer: Row, family: str, kind: str) -> None:
    row = transaction if family == "fraud" else customer
    table = pa.table(columns_of(row, 7) | {"id": [f"r{n}" for n in range(7)]})
    path, headers = f"/v1/{family}/score_batch", {"content-type": kind}
    content = service.client.post(path, content=table_body(table, kind), headers=headers).json()
    assert content["columns"]["score"] == service.post(path, {"columns": columns_of(row, 7)}).json()["columns"]["score"]
    assert content["columns"]["id"] == [f"r{n}" for n in range(7)]
    unnamed = service.client.post(path, content=table_body(table, kind), headers={"content-type": OCTETS}).json()
    assert unnamed["columns"] == content["columns"]
    answer = service.client.post(path, content=table_body(table, kind), headers=headers | {"accept": kind})
    assert answer.headers["content-type"] == kind
    read = pq.read_table(io.BytesIO(answer.content)) if kind == PARQUET else pa.ipc.open_stream(answer.content).read_all()
    assert read["score"].to_pylist() == content["columns"]["score"]
    assert read.schema.metadata[b"model_version"].decode() == content["model_version"]


@pytest.mark.parametrize(
    ("body", "named"), [(b"PAR1 and no more", "not parquet that"), (b"a,b\n1,2", "not parquet, nor an Arrow stream")]
)
def test_bytes_that_are_no_table(service: RunningService, body: bytes, named: str) -> None:
    answer = service.client.post("/v1/fraud/score_batch", content=body, headers={"content-type": OCTETS})
    assert named in problem(answer, 400)["detail"]


def _read(content: bytes, kind: str) -> pa.Table:
    return pq.read_table(io.BytesIO(content)) if kind == PARQUET else pa.ipc.open_stream(content).read_all()


@pytest.mark.parametrize("kind", [PARQUET, ARROW])
def test_tables_may_be_written_in_other_types(service: RunningService, customer: Row, kind: str) -> None:
    plain = pa.table(columns_of(customer | {"Balance": 174086.89, "HasCrCard": 1}, 3))
    other = {
        "Balance": pa.array([Decimal("174086.89")] * 3),
        "HasCrCard": pa.array([True] * 3),
        "Tenure": plain["Tenure"].cast(pa.uint8()),
        "Age": plain["Age"].cast(pa.float32()),
        "CreditScore": plain["CreditScore"].combine_chunks().dictionary_encode(),
        "Geography": plain["Geography"].cast(pa.string_view() if kind == ARROW else pa.binary()),
        "Gender": plain["Gender"].combine_chunks().dictionary_encode(),
    }
    written = plain
    for name, values in other.items():
        written = written.set_column(written.column_names.index(name), name, values)
    headers = {"content-type": kind}
    answers = [
        service.client.post("/v1/churn/score_batch", content=table_body(table, kind), headers=headers).json()
        for table in (plain, written)
    ]
    assert answers[0]["columns"] == answers[1]["columns"]


@pytest.mark.parametrize("kind", [PARQUET, ARROW])
def test_columns_of_the_data_set_that_no_model_reads_are_not_looked_at(service: RunningService, customer: Row, kind: str) -> None:
    strange: Row = {"RowNumber": pa.nulls(3), "Surname": [["Hargrave"]] * 3, "CustomerId": ["", None, "x"], "Exited": ["?"] * 3}
    headers = {"content-type": kind}
    answers = [
        service.client.post("/v1/churn/score_batch", content=table_body(pa.table(columns), kind), headers=headers).json()
        for columns in (columns_of(customer, 3), columns_of(customer, 3) | strange)
    ]
    assert answers[0]["columns"] == answers[1]["columns"]
    assert "Hargrave" not in service.output.read_text()


@pytest.mark.parametrize("kind", [PARQUET, ARROW])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("CustomerId", pa.array([2**62 + 1, -7, 15_634_602])),
        ("ticket no.", pa.array(["007", "a-1", "7"])),
        ("id", pa.array([3, 1, 2], pa.int32())),
        ("Kürzel", pa.array(["x", "y", "z"]).dictionary_encode()),
    ],
)
def test_a_column_that_names_the_rows_comes_back(
    service: RunningService, customer: Row, name: str, values: pa.Array, kind: str
) -> None:
    body = table_body(pa.table(columns_of(customer, 3) | {name: values}), kind)
    headers = {"content-type": kind}
    content = service.client.post("/v1/churn/score_batch", content=body, headers=headers, params={"id": name}).json()
    assert next(iter(content["columns"])) == name
    assert content["columns"][name] == values.to_pylist()
    answer = service.client.post("/v1/churn/score_batch", content=body, headers=headers | {"accept": kind}, params={"id": name})
    read = _read(answer.content, kind)
    assert read.column_names[0] == name
    assert read[name].to_pylist() == values.to_pylist()
    assert str(read[name].type) in ("int64", "string")


@pytest.mark.parametrize(
    ("query", "columns", "path"),
    [
        ("id=key", {}, "table.key"),
        ("id=key", {"key": ["a", "a"]}, "table.key[1]"),
        ("id=key", {"key": ["a", "Mr Moss"]}, "table.key[1]"),
        ("id=key", {"key": [1.5, 2.5]}, "table.key"),
        ("id=score", {"score": ["a", "b"]}, "query.id"),
        ("id=key&id=other", {"key": ["a", "b"]}, "query.id"),
        ("id=Age", {}, "table.Age[1]"),
    ],
)
def test_a_column_that_cannot_name_the_rows(service: RunningService, customer: Row, query: str, columns: Row, path: str) -> None:
    body = table_body(pa.table(columns_of(customer, 2) | columns), PARQUET)
    answer = service.client.post(f"/v1/churn/score_batch?{query}", content=body, headers={"content-type": PARQUET})
    problem(answer, 422, path)
    assert "Moss" not in answer.text
    problem(service.post("/v1/churn/score_batch?id=key", {"rows": [customer]}), 422, "query.id")


@pytest.mark.parametrize("kind", [PARQUET, ARROW])
@pytest.mark.parametrize(
    ("change", "status", "path"),
    [
        ({"V3": [1.0, None]}, 422, "table.V3"),
        ({"V3": [1.0, float("nan")]}, 422, "table.V3[1]"),
        ({"V3": [float("inf"), 1.0]}, 422, "table.V3[0]"),
        ({"V3": ["1", "2"]}, 422, "table.V3"),
        ({"V3": [[1.0], [2.0]]}, 422, "table.V3"),
        ({"V3": pa.nulls(2)}, 422, "table.V3"),
        ({"V3": pa.array([1.0, None]).dictionary_encode()}, 422, "table.V3"),
        ({"V3": pa.array([Decimal("1.5"), Decimal("151")])}, 422, "table.V3[1]"),
        ({"W": [1.0, 2.0]}, 422, "table.W"),
        ({"id": ["a", "a"]}, 422, "table.id[1]"),
        ({"id": ["a", None]}, 422, "table.id[1]"),
        ({"id": [1, 1]}, 422, "table.id[1]"),
        ({"id": [1.5, 2.5]}, 422, "table.id"),
        ("empty", 422, "table"),
        ("long", 413, "table"),
        ("narrow", 422, "table.V1"),
    ],
)
def test_wrong_tables(service: RunningService, transaction: Row, kind: str, change: Any, status: int, path: str) -> None:
    if change == "empty":
        table = pa.table(columns_of(transaction, 1)).slice(0, 0)
    elif change == "long":
        table = pa.table(columns_of(transaction, 10_001))
    elif change == "narrow":
        table = pa.table({name: values for name, values in columns_of(transaction, 2).items() if name != "V1"})
    else:
        table = pa.table(columns_of(transaction, 2) | change)
    answer = service.client.post("/v1/fraud/score_batch", content=table_body(table, kind), headers={"content-type": kind})
    problem(answer, status, path)


@pytest.mark.parametrize("kind", [PARQUET, ARROW])
def test_damaged_tables(service: RunningService, transaction: Row, kind: str) -> None:
    whole = table_body(pa.table(columns_of(transaction, 50)), kind)
    damaged = [b"", b"PAR1", whole[: len(whole) // 2], whole[10:], b"\x00" * 100, whole[:-5] + b"12345"]
    damaged += [
        bytearray(whole).replace(whole[at : at + 4], b"\xff\xff\xff\xff") for at in range(0, len(whole), len(whole) // 40)
    ]
    for body in damaged:
        answer = service.client.post("/v1/fraud/score_batch", content=bytes(body), headers={"content-type": kind})
        assert answer.status_code in (200, 400, 413, 422), answer.text
        if answer.status_code != 200:
            problem(answer, answer.status_code)
    assert service.client.get("/ready").status_code == 200


def test_a_huge_table_in_a_small_body_is_refused(service: RunningService, transaction: Row) -> None:
    columns = {name: pa.array([0.0] * 5_000) for name in transaction}
    columns["id"] = pa.array(["a" * 20_000] * 5_000)
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd", use_dictionary=False)
    answer = service.client.post("/v1/fraud/score_batch", content=sink.getvalue(), headers={"content-type": PARQUET})
    problem(answer, 413)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/fraud/score_batch", lambda names: {"columns": {name: [] for name in names}}),
        ("/v1/churn/labels", lambda names: {"labels": [dict.fromkeys(names, 1)]}),
    ],
)
def test_names_beyond_number_are_not_all_looked_at(service: RunningService, path: str, body: Callable[[list[str]], Row]) -> None:
    content = problem(service.post(path, body([f"k{number}" for number in range(300_000)])), 422)
    assert (len(content["errors"]), content["errors_in_all"]) == (20, pytest.approx(220, abs=20))
