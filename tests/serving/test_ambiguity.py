"""What two programs could read differently is refused: names and headers that come twice, trailers, and bytes after the end."""

from __future__ import annotations

import io
import json
import socket
import sys
from typing import Any

import pyarrow as pa
import pytest

from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.serving.problems import ProblemError
from fusionguard.serving.requests import RowReader
from fusionguard.serving.tables import ARROW, read_table
from tests.serving.conftest import RunningService

READER = RowReader(CHURN_FAMILY.request_fields)
LABEL = '{"request_id": "twice", "row": 0, "label": 1, "observed_at": "2026-02-01T00:00:00Z"}'


def text(row: dict[str, Any], *more: str) -> str:
    """A row whose text ends with ``more`` members."""
    return "{" + ", ".join([json.dumps(row)[1:-1], *more]) + "}"


def paths(refused: pytest.ExceptionInfo[ProblemError]) -> list[str]:
    assert refused.value.status == 422
    return [fault.path for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (['"Age": 40'], ["Age"]),
        (['"Age": "40"', '"Age": 40'], ["Age"]),
        (['"\\u0041ge": 40'], ["Age"]),
        (['"Gender": "Male"'], ["Gender"]),
        (['"id": "a"', '"id": "b"'], ["id"]),
        (['"Age": 40', '"Tenure": 1'], ["Age", "Tenure"]),
        (['"Age": "\\"\\"", "Age": {"Age": [[]]}', '"Age": 40'], ["Age"]),
        # Deeper than Python 3.11's reader goes, which finds the names.
        (['"Age": ' + "[" * 1000 + "]" * 1000, '"Age": 40'], ["$" if sys.version_info < (3, 12) else "Age"]),
    ],
)
def test_a_name_that_comes_twice_is_told(customer: dict[str, Any], more: list[str], named: list[str]) -> None:
    with pytest.raises(ProblemError) as refused:
        READER.read_one(text(customer, *more).encode())
    assert paths(refused) == named


@pytest.mark.parametrize("more", [[], ['"id": "a"'], ['"i\\u0064": "\\u0061"']])
def test_what_comes_once_is_read_however_it_is_written(customer: dict[str, Any], more: list[str]) -> None:
    assert READER.read_one(text(customer, *more).encode()).id == ("a" if more else None)


@pytest.mark.parametrize("ids", [False, True])
def test_a_batch_tells_the_row_of_a_repeated_name(customer: dict[str, Any], ids: bool) -> None:
    rows = [text(customer, *([f'"id": "r{number}"'] if ids else [])) for number in range(3)]
    assert READER.read_many(f'{{"rows": [{", ".join(rows)}]}}'.encode(), 10).rows == 3
    rows[1] = rows[1][:-1] + ', "Age": 40}'
    with pytest.raises(ProblemError) as refused:
        READER.read_many(f'{{"rows": [{", ".join(rows)}]}}'.encode(), 10)
    assert paths(refused) == ["rows[1].Age"]
    with pytest.raises(ProblemError) as refused:
        READER.read_many(f'{{"rows": [], "rows": [{rows[0]}]}}'.encode(), 10)
    assert paths(refused) == ["rows"]


@pytest.mark.parametrize("ids", [{}, {"id": ["a", "b", "c"]}])
def test_a_column_that_comes_twice_is_told(customer: dict[str, Any], ids: dict[str, Any]) -> None:
    columns = {name: [value] * 3 for name, value in customer.items()} | ids
    assert READER.read_many(json.dumps({"columns": columns}).encode(), 10).rows == 3
    with pytest.raises(ProblemError) as refused:
        READER.read_many(f'{{"columns": {text(columns, chr(34) + "Age" + chr(34) + ": [40, 41, 42]")}}}'.encode(), 10)
    assert paths(refused) == ["columns.Age"]


def test_an_outcome_that_is_both_is_refused(service: RunningService) -> None:
    both = LABEL.replace('"label": 1', '"label": 1, "label": 0')
    headers = {"content-type": "application/json"}
    answer = service.client.post("/v1/churn/labels", content=f'{{"labels": [{both}]}}', headers=headers)
    assert answer.status_code == 422, answer.text
    assert [fault["path"] for fault in answer.json()["errors"]] == ["labels[0].label"]
    assert service.client.post("/v1/churn/labels", content=f'{{"labels": [{LABEL}]}}', headers=headers).json()["stored"] == 1


def test_rows_after_the_end_of_an_arrow_stream_are_not_lost_in_silence(customer: dict[str, Any]) -> None:
    table = pa.table({name: [value] for name, value in customer.items()})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    body = sink.getvalue()
    assert read_table(body, ARROW, CHURN_FAMILY, 10).rows == 1
    assert read_table(body[:-8], ARROW, CHURN_FAMILY, 10).rows == 1, "the mark of the end may be left out"
    with pytest.raises(ProblemError, match="malformed_table"):
        read_table(body * 2, ARROW, CHURN_FAMILY, 10)


@pytest.mark.parametrize("name", ["Host", "X-Request-ID", "Content-Type", "Authorization", "X-API-Key"])
def test_a_header_that_comes_twice_is_refused(service: RunningService, transaction: dict[str, Any], name: str) -> None:
    value = {"Host": "localhost", "Content-Type": "application/json"}.get(name, "a")
    answer = ask(service, transaction, f"{name}: {value}\r\n" * (1 if name in ("Host", "Content-Type") else 2))
    assert answer.startswith(b"HTTP/1.1 400 ") and b'"repeated_header"' in answer
    assert ask(service, transaction, "Accept: */*\r\nAccept: text/html\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_trailer_does_not_pass_for_a_header(service: RunningService, transaction: dict[str, Any]) -> None:
    body = json.dumps(transaction).encode()
    chunked = b"%x\r\n%b\r\n0\r\nX-Request-ID: trailer\r\nContent-Type: text/plain\r\n\r\n" % (len(body), body)
    answer = exchange(service, head("Transfer-Encoding: chunked\r\nX-Request-ID: header\r\n") + chunked)
    assert answer.startswith(b"HTTP/1.1 200 ") and b"x-request-id: header\r\n" in answer


def test_a_wish_for_another_protocol_is_told_instead_of_losing_the_body(
    service: RunningService, transaction: dict[str, Any]
) -> None:
    answer = ask(service, transaction, "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and b'"upgrade"' in answer, "what Java's client sends unless it is told not to"


def head(extra: str) -> bytes:
    return f"POST /v1/fraud/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{extra}\r\n".encode()


def ask(service: RunningService, row: dict[str, Any], extra: str) -> bytes:
    body = json.dumps(row).encode()
    return exchange(service, head(f"Content-Length: {len(body)}\r\n{extra}") + body)


def exchange(service: RunningService, request: bytes) -> bytes:
    """Send a request; return the first piece of its answer, which holds the head and, for what is short, the body."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as raw:
        raw.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer or (b"400 " in answer[:20] and not answer.endswith(b"}")):
            part = raw.recv(65536)
            assert part, answer
            answer += part
    return answer
