"""The assistant's service among slow clients, and on a machine that reaches no other one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fusionguard.home import Home
from tests.assistant.http.conftest import RunningAssistant, start_assistant
from tests.assistant.http.outside import write_hook

SECONDS = 2
ENOUGH = 20
"""Seconds after which a machine that is busy has closed what it was told to close after two."""


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hook(tmp_path_factory.mktemp("outside") / "hook")


@pytest.fixture(scope="module")
def watched(indexed_home: Home, noted: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssistant]:
    """A service whose every process refuses to talk to another machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(noted.parent), prepend=os.pathsep)
        running = start_assistant(tmp_path_factory.mktemp("watched"), indexed_home, console_body_seconds=SECONDS)
    try:
        running.wait_ready()
        yield running
    finally:
        running.stop()


def head(path: str, length: int) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def read_all(raw: socket.socket) -> bytes:
    parts = []
    while part := raw.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_a_body_that_does_not_come_gets_408(watched: RunningAssistant) -> None:
    with socket.create_connection(("127.0.0.1", watched.port), timeout=ENOUGH) as raw:
        raw.sendall(head("/v1/assist", 1000) + b'{"question": "')
        answer = read_all(raw)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"reason":"slow_body"' in answer


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /v1/assist HTTP/1.1\r\nHost: localhost\r\n",
        head("/console/gradio_api/queue/join", 1000) + b'{"data": [',
        b"",
    ],
    ids=["headers", "a click", "silence"],
)
def test_a_client_that_does_not_go_on_is_let_go(watched: RunningAssistant, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", watched.port), timeout=ENOUGH) as raw:
        raw.sendall(sent)
        read_all(raw)


def test_slow_clients_cost_others_no_answer(watched: RunningAssistant) -> None:
    slow = (head("/v1/assist", 1000), head("/console/gradio_api/queue/join", 1000), b"POST /v1/assist HTTP/1.1\r\n")
    with ExitStack() as stack:
        for number in range(90):
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", watched.port)))
            raw.sendall(slow[number % len(slow)])
        answers = [watched.ask("What does PSI mean?") for _ in range(3)]
        assert watched.client.get("/console/").status_code == 200
    assert [answer.json()["kind"] for answer in answers] == ["answer"] * 3


def test_nothing_is_asked_of_another_machine(watched: RunningAssistant, noted: Path) -> None:
    assert watched.ask("What does PSI mean?").json()["kind"] == "answer"
    assert watched.ask("How good is the fraud model?").status_code == 200
    assert watched.client.get("/console/").status_code == 200
    assert watched.client.get("/console/config").status_code == 200
    watched.client.get("/metrics").raise_for_status()
    time.sleep(1)  # whatever the console does in threads of its own
    lines = noted.read_text().splitlines()
    assert sum(line.startswith("watched ") for line in lines) >= 2, "the supervisor and its worker"
    assert [line for line in lines if not line.startswith("watched ")] == []


def test_the_watch_sees_who_tries(tmp_path: Path) -> None:
    noted = write_hook(tmp_path / "hook")
    program = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    environment = os.environ | {"PYTHONPATH": str(noted.parent)}
    tried = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert tried.returncode == 1
    assert "192.0.2.1" in noted.read_text()


def test_the_command_refuses_another_address_without_keys(indexed_home: Home, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FUSIONGUARD_")}
    environment["FUSIONGUARD_HOME"] = str(indexed_home.root)
    program = [sys.executable, "-c", "from fusionguard.cli import main; main()"]
    command = [*program, "assistant", "--host", "0.0.0.0", "--port", str(port)]
    ended = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "FUSIONGUARD_ASSISTANT_KEYS" in ended.stderr
    with socket.socket() as free:
        free.bind(("0.0.0.0", port))  # nobody listens there
