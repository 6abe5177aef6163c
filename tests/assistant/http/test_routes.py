"""What the assistant's service answers, and how it refuses."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fusionguard.assistant.http.feedback import feedback_file
from fusionguard.home import Home
from fusionguard.serving.asgi import PROBES
from tests.assistant.http.conftest import RunningAssistant, start_assistant

QUESTION = "How do I start the scoring service?"


def test_an_answer_has_its_sources(assistant_service: RunningAssistant) -> None:
    answer = assistant_service.ask(QUESTION)
    content = answer.json()
    assert (answer.status_code, content["kind"]) == (200, "answer")
    assert answer.headers["x-request-id"] == content["request_id"]
    assert content["citations"]
    assert all(f"[{citation['number']}]" in content["text"] for citation in content["citations"])
    assert "docs/fraud_serving.md" in {citation["file"] for citation in content["citations"]}


def test_what_nothing_supports_is_not_known(assistant_service: RunningAssistant) -> None:
    before = assistant_service.metric("fusionguard_assistant_reasons_total")
    content = assistant_service.ask("Who won the football championship of Uruguay in 1967?").json()
    assert (content["kind"], content["citations"]) == ("unknown", [])
    assert assistant_service.metric("fusionguard_assistant_reasons_total") == before + 1


def test_a_stream_is_the_answer_line_by_line(assistant_service: RunningAssistant) -> None:
    body = {"question": QUESTION, "stream": True, "persona": "executive"}
    with assistant_service.client.stream("POST", "/v1/assist", json=body) as answer:
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    *pieces, last = lines
    assert last["answer"]["kind"] == "answer"
    assert "".join(piece["text"] for piece in pieces) == last["answer"]["text"]
    assert last["answer"]["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "question"),
        ({"question": ""}, "question"),
        ({"question": 5}, "question"),
        ({"question": None}, "question"),
        ({"question": "a" * 2001}, "question"),
        ({"question": "a", "persona": "king"}, "persona"),
        ({"question": "a", "persona": None}, "persona"),
        ({"question": "a", "conversation": "a b"}, "conversation"),
        ({"question": "a", "conversation": "a\n"}, "conversation"),
        ({"question": "a", "stream": "true"}, "stream"),
        ({"question": "a", "stream": 1}, "stream"),
        ({"question": "a", "tools": []}, "tools"),
        (["a"], "$"),
    ],
)
def test_a_wrong_field_is_named(assistant_service: RunningAssistant, body: Any, path: str) -> None:
    answer = assistant_service.client.post("/v1/assist", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert path in [fault["path"] for fault in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"", {}, 400, "empty_body"),
        (b'{"question": NaN}', {}, 400, "malformed_json"),
        (b'{"question": "a"', {}, 400, "malformed_json"),
        (b'{"question": "\\ud800"}', {}, 400, "malformed_json"),
        (b'{"question": "what is \\"PSI\\"?", "question": "a"}', {}, 422, "invalid"),
        (b'{"question": "a"}', {"content-type": "text/plain"}, 415, "content_type"),
        (b'{"question": "a"}', {"content-encoding": "gzip"}, 415, "compressed"),
        (b'{"question": "' + b"a" * 200_000 + b'"}', {}, 413, "too_large"),
        (b'{"question": "a"}', {"host": "evil.example"}, 403, "loopback_only"),
        (b'{"question": "a"}', {"x-request-id": "a b"}, 400, "request_id"),
    ],
)
def test_what_cannot_be_read_is_told(
    assistant_service: RunningAssistant, body: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    answer = assistant_service.client.post("/v1/assist", content=body, headers={"content-type": "application/json"} | headers)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


def test_sources_are_the_documents(assistant_service: RunningAssistant) -> None:
    content = assistant_service.client.get("/v1/sources").json()
    files = {each["file"]: each for each in content["files"]}
    assert files["docs/monitoring.md"]["headings"] > 5
    assert content["passages"] == sum(each["passages"] for each in content["files"])
    assert all(each["source"] for each in content["files"])


def test_a_thumb_is_kept_without_the_question(assistant_service: RunningAssistant) -> None:
    request_id = assistant_service.ask("Does a purple elephant guard the model registry?").json()["request_id"]
    before = assistant_service.metric("fusionguard_assistant_feedback_total")
    given = {"request_id": request_id, "thumb": "down"}
    assert assistant_service.client.post("/v1/feedback", json=given).json()["stored"] is True
    assert assistant_service.metric("fusionguard_assistant_feedback_total") == before + 1
    text = feedback_file(assistant_service.home).read_text()
    kept = json.loads(text.splitlines()[-1])
    assert (kept["request_id"], kept["thumb"]) == (request_id, "down")
    assert "elephant" not in text
    unknown = assistant_service.client.post("/v1/feedback", json={"request_id": "nobody", "thumb": "up"})
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "no_answer")


def test_pages_work_offline_and_health_needs_nothing(assistant_service: RunningAssistant) -> None:
    client = assistant_service.client
    assert all(client.get(path).json() == {"status": "ok"} for path in PROBES)
    docs = client.get("/docs")
    assert "http" not in docs.text.replace("https://", "http").partition("<body>")[0]
    assert "default-src 'none'" in docs.headers["content-security-policy"]
    assert client.get("/").headers["location"] == "/console/"
    assert client.delete("/v1/assist").headers["allow"] == "POST"
    assert client.get("/nothing").json()["reason"] == "no_route"


@pytest.mark.full
def test_fifty_chats_at_once_are_answered(assistant_service: RunningAssistant) -> None:
    def chat(number: int) -> list[str]:
        told = [assistant_service.ask(QUESTION, conversation=f"chat-{number}") for _ in range(2)]
        assert [each.status_code for each in told] == [200, 200]
        return [each.json()["kind"] for each in told]

    with ThreadPoolExecutor(50) as chats:
        work = [chats.submit(chat, number) for number in range(50)]
        assert assistant_service.client.get("/health").status_code == 200
        assert all(each.result() == ["answer", "answer"] for each in work)
    assert "Traceback" not in assistant_service.output.read_text()


@pytest.mark.full
def test_an_audit_log_that_cannot_be_written_stops_no_answer_and_is_counted(indexed_home: Home, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    running = start_assistant(tmp_path / "service", indexed_home, assistant_audit=tmp_path / "taken")
    try:
        running.wait_ready()
        assert running.metric("fusionguard_assistant_audit_lost") == 0
        assert running.ask(QUESTION).json()["kind"] == "answer"
        assert running.metric("fusionguard_assistant_audit_lost") == 1
        running.wait_said("audit log is lost")
    finally:
        running.stop()
    assert (tmp_path / "taken").read_text() == "a file where the folder should be"
