"""Keys, their rotation, rates and concurrency, and the rule that a service without keys answers loopback alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fusionguard.errors import UsageError
from fusionguard.serving.asgi import PROBES
from fusionguard.serving.guard import Guard, is_loopback
from fusionguard.serving.keys import add_key, read_keys, remove_keys
from fusionguard.serving.limits import Allowance
from fusionguard.serving.problems import ProblemError
from fusionguard.serving.settings import ServeSettings, read_settings
from tests.serving.conftest import RunningService, Starter

LOCAL = {"server": ("127.0.0.1", 3000)}
HOST = {b"host": b"localhost:3000"}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_key_is_kept_as_its_hash(tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.json", "mobile")
    kept = (tmp_path / "keys.json").read_text()
    assert key not in kept and key.removeprefix("fg_") not in kept
    entry = read_keys(tmp_path / "keys.json").find(key)
    assert entry is not None and entry.name == "mobile"
    assert read_keys(tmp_path / "keys.json").find(key + "x") is None
    assert read_keys(tmp_path / "keys.json").find("ключ") is None


def test_two_keys_of_a_name_hold_while_one_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    old, other, new = add_key(file, "mobile"), add_key(file, "batch"), add_key(file, "mobile")
    assert all(read_keys(file).find(key) for key in (old, other, new))
    assert remove_keys(file, "mobile", but_newest=True) == 1
    assert [read_keys(file).find(key) is not None for key in (old, other, new)] == [False, True, True]
    remove_keys(file, "batch")
    with pytest.raises(UsageError, match="the last key"):
        remove_keys(file, "mobile")


def test_an_expired_key_opens_nothing(tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.json", "mobile", expires=datetime.now(UTC) - timedelta(seconds=1))
    assert read_keys(tmp_path / "keys.json").find(key) is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"keys": []}', '{"keys": [{"name": "a", "sha256": "1"}]}'])
def test_a_file_that_holds_no_keys_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(UsageError, match=r"keys\.json"):
        read_keys(tmp_path / "keys.json")
    with pytest.raises(UsageError, match="cannot name a key"):
        add_key(tmp_path / "new.json", "Ärger\n")


def test_rate_and_concurrency_end_in_429() -> None:
    allowance = Allowance(requests_per_second=2, concurrent_requests=1)
    allowance.take()
    with pytest.raises(ProblemError) as busy:
        allowance.take()
    assert (busy.value.status, busy.value.reason) == (429, "too_many_at_once")
    allowance.give_back()
    allowance.take()
    allowance.give_back()
    with pytest.raises(ProblemError) as often:
        allowance.take()
    assert (often.value.status, often.value.reason) == (429, "too_many_requests")
    assert int(often.value.headers["retry-after"]) >= 1


def test_keys_have_limits_of_their_own_that_neither_siblings_nor_a_reload_fill_up(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    first, second, other = add_key(file, "mobile"), add_key(file, "mobile"), add_key(file, "batch")
    guard = Guard(ServeSettings(keys=file, requests_per_second=2))

    def admit(key: str) -> Allowance:
        return guard.admit(LOCAL, HOST | {b"x-api-key": key.encode()})

    for key in (first, second, first, second):  # in turns: one of a name must not renew the other's
        admit(key)
    guard.reload()
    for key in (first, second):
        with pytest.raises(ProblemError, match="2 requests a second"):
            admit(key)
    assert admit(other)


@pytest.mark.parametrize(
    ("server", "host"), [("10.0.0.5", "10.0.0.5"), ("127.0.0.1", "evil.example"), ("127.0.0.1", ""), ("::", "localhost")]
)
def test_without_keys_only_loopback_is_answered(server: str, host: str) -> None:
    guard = Guard(ServeSettings())
    assert guard.admit(LOCAL, HOST) is guard.admit(LOCAL, {b"host": b"[::1]:3000"})
    with pytest.raises(ProblemError) as refused:
        guard.admit({"server": (server, 3000)}, {b"host": host.encode()})
    assert refused.value.status == 403


def test_loopback_is_what_this_machine_alone_reaches() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.1", "example.org", "")))


def test_unknown_and_wrong_settings_are_named() -> None:
    with pytest.raises(UsageError, match="FUSIONGUARD_SERVE_RELEASES"):
        read_settings({"FUSIONGUARD_SERVE_RELEASES": "x"})
    with pytest.raises(UsageError, match="FUSIONGUARD_SERVE_WORKERS"):
        read_settings({"FUSIONGUARD_SERVE_WORKERS": "many"})
    with pytest.raises(UsageError, match=r"FUSIONGUARD_SERVE_LOG_ROWS.* 10,000 rows, not 2,000"):
        read_settings({"FUSIONGUARD_SERVE_LOG_ROWS": "2000"})
    assert read_settings({"FUSIONGUARD_SERVE_LOG": "", "OTHER": "1"}).log is None


def test_a_service_on_another_address_without_keys_does_not_start(starter: Starter, release_folder: Path) -> None:
    service = starter(release_folder, wait=False, bind="0.0.0.0")
    assert service.process.wait(60) == 2
    assert "needs keys" in service.output.read_text()
    assert "Traceback" not in service.output.read_text()


@pytest.fixture
def keyed(starter: Starter, release_folder: Path, tmp_path: Path) -> tuple[RunningService, Path, str]:
    """A service with one key, and its file and the key."""
    file = tmp_path / "keys.json"
    key = add_key(file, "mobile")
    return starter(release_folder, keys=file, bind="0.0.0.0"), file, key


def test_keys_open_rotate_and_limit(keyed: tuple[RunningService, Path, str], transaction: dict[str, Any]) -> None:
    service, file, old = keyed
    for headers in ({}, bearer("fg_wrong"), {"Authorization": f"Basic {old}"}, {"X-API-Key": old[:-1]}):
        answer = service.post("/v1/fraud/score", transaction, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    for path in ("/metrics", "/v1/models", "/docs", "/openapi.json", "/schema.json"):
        assert service.client.get(path).status_code == 401
        assert service.client.get(path, headers=bearer(old)).status_code == 200
    assert {service.client.get(path).status_code for path in PROBES} == {200}
    assert service.post("/v1/fraud/score", transaction, headers={"X-API-Key": old}).status_code == 200

    new = add_key(file, "mobile")
    reload(service, old)
    assert all(service.client.get("/v1/models", headers=bearer(key)).status_code == 200 for key in (old, new))
    remove_keys(file, "mobile", but_newest=True)
    reload(service, new)
    assert service.client.get("/v1/models", headers=bearer(old)).status_code == 401
    file.write_text("damaged")
    reload(service, new)
    assert service.client.get("/v1/models", headers=bearer(new)).status_code == 200, "a damaged file must lock nobody out"

    third, fourth = (add_key(file.with_name("more.json"), name) for name in ("slow", "narrow"))
    entries = json.loads(file.with_name("more.json").read_text())
    entries["keys"][0] |= {"requests_per_second": 0.1}
    entries["keys"][1] |= {"concurrent_requests": 1}
    file.write_text(json.dumps(entries))
    os.kill(service.process.pid, signal.SIGHUP)
    until = time.monotonic() + 20
    while service.client.get("/v1/models", headers=bearer(new)).status_code != 401:
        assert time.monotonic() < until
        time.sleep(0.05)
    answers = [service.post("/v1/fraud/score", transaction, headers=bearer(third)) for _ in range(6)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert answers[0].status_code == 200 and refused
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    with open_request(service, fourth):
        refused = ask_until(service, transaction, fourth, 429)
        assert (refused.json()["reason"], refused.headers["retry-after"]) == ("too_many_at_once", "1")
    ask_until(service, transaction, fourth, 200)
    assert not any(key in service.output.read_text() for key in (old, new, third, fourth))


@contextmanager
def open_request(service: RunningService, key: str) -> Iterator[None]:
    """Begin a request whose body does not come."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as raw:
        head = f"POST /v1/fraud/score HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n"
        raw.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n".encode())
        yield


def ask_until(service: RunningService, transaction: dict[str, Any], key: str, status: int) -> httpx.Response:
    """Ask until it is answered so."""
    until = time.monotonic() + 20
    while (answer := service.post("/v1/fraud/score", transaction, headers=bearer(key))).status_code != status:
        assert time.monotonic() < until, answer.text
        time.sleep(0.02)
    return answer


def reload(service: RunningService, key: str) -> None:
    """Send SIGHUP and wait until it has been taken."""

    def reloads() -> float:
        lines = service.client.get("/metrics", headers=bearer(key)).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("fusionguard_reloads_total"))

    before = reloads()
    os.kill(service.process.pid, signal.SIGHUP)
    until = time.monotonic() + 20
    while service.client.get("/metrics", headers=bearer(key)).status_code == 200 and reloads() == before:
        assert time.monotonic() < until, service.output.read_text()
        time.sleep(0.05)
