"""What a worker holds is bounded: connections and batches that wait; and a challenger's failure is counted and reaches nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from fusionguard.models.bundle import Bundle
from fusionguard.serving.app import RiskApp
from fusionguard.serving.protocol import guarded_protocol
from fusionguard.serving.release import write_release
from fusionguard.serving.settings import ServeSettings
from tests.serving.conftest import released


@asynccontextmanager
async def asked(app: RiskApp) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that runs in this process."""
    await app.start()
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client:
        yield client
    await app.stop()


def test_more_batches_than_may_wait_are_told_to_come_back(
    release_folder: Path, transaction: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> list[httpx.Response]:
        app = RiskApp(ServeSettings(release=release_folder, waiting_batches=1))
        async with asked(app) as client:
            online = app._scoring["fraud"].model.online  # type: ignore[union-attr]
            begun, released_, many = threading.Event(), threading.Event(), online.many

            def wait(columns: Any) -> Any:
                begun.set()
                assert released_.wait(60)
                return many(columns)

            monkeypatch.setattr(online, "many", wait)

            async def batch() -> httpx.Response:
                return await client.post("/v1/fraud/score_batch", json={"rows": [transaction]})

            answers = [asyncio.create_task(batch()) for _ in range(4)]
            assert await asyncio.to_thread(begun.wait, 60)
            while sum(each.done() for each in answers) < 2:
                await asyncio.sleep(0.01)
            assert (await client.post("/v1/fraud/score", json=transaction)).status_code == 200, "single rows do not wait"
            released_.set()
            return list(await asyncio.gather(*answers))

    answers = asyncio.run(ask())
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert all((answer.json()["reason"], answer.headers["retry-after"]) == ("busy", "1") for answer in refused)


def test_a_challenger_that_fails_is_counted_and_reaches_nobody(
    fraud_bundle: Bundle, other_bundle: Bundle, transaction: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_release(tmp_path / "release", released({"fraud-champion": fraud_bundle, "fraud-challenger": other_bundle}))

    def broken(rows: Any) -> Any:
        raise ValueError(f"cannot do {rows}")

    async def ask() -> tuple[list[httpx.Response], str]:
        app = RiskApp(ServeSettings(release=tmp_path / "release"))
        async with asked(app) as client:
            online = app._scoring["fraud"].challenger.online  # type: ignore[union-attr]
            online.one = online.many = broken  # type: ignore[method-assign]
            one = await client.post("/v1/fraud/score", json=transaction | {"V3": 1.2345})
            many = await client.post("/v1/fraud/score_batch", json={"rows": [transaction] * 3})
        return [one, many], app.metrics.text().decode()

    answers, metrics = asyncio.run(ask())
    assert [answer.status_code for answer in answers] == [200, 200]
    assert all(answer.json()["model_version"] == fraud_bundle.version for answer in answers)
    assert 'fusionguard_shadow_failures_total{model="fraud"} 2.0' in metrics
    assert "ValueError" in caplog.text and "1.2345" not in caplog.text


def test_what_a_service_does_not_hold_is_said(fraud_bundle: Bundle, customer: dict[str, Any], tmp_path: Path) -> None:
    write_release(tmp_path / "release", released({"fraud-champion": fraud_bundle}))
    label = {"request_id": "a", "row": 0, "label": 1, "observed_at": "2026-02-01T00:00:00Z"}

    async def ask() -> list[httpx.Response]:
        async with asked(RiskApp(ServeSettings(release=tmp_path / "release"))) as client:
            batch = {"rows": [customer]}
            wanted = {"score": customer, "explain": customer, "score_batch": batch, "labels": {"labels": [label]}}
            return [await client.post(f"/v1/churn/{name}", json=body) for name, body in wanted.items()]

    answers = asyncio.run(ask())
    assert [(answer.status_code, answer.json()["reason"]) for answer in answers] == [(404, "no_model")] * 3 + [(404, "no_log")]


def test_connections_beyond_the_limit_are_closed_and_those_within_it_answered() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def answer(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bytes:
        streams[1].write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            return await asyncio.wait_for(streams[0].readline(), 20)
        except ConnectionError:
            return b""

    async def serve() -> list[bytes]:
        config, state = Config(app, lifespan="off"), ServerState()
        protocol: Any = guarded_protocol(header_seconds=60, connections=2)
        server = await asyncio.get_running_loop().create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            while len(state.connections) < 2:
                await asyncio.sleep(0.01)
            answers = [await answer(each) for each in reversed(opened)]
            opened[0][1].close()
            while len(state.connections) > 1:
                await asyncio.sleep(0.01)
            opened.append(await asyncio.open_connection("127.0.0.1", port))
            answers.append(await answer(opened[-1]))
            for _, writer in opened:
                writer.close()
        return answers

    assert asyncio.run(serve()) == [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n"]
