"""The console's gate: which of Gradio's routes exist, who gets in, and what the page may load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fusionguard.assistant.http.launch import assistant_command
from fusionguard.errors import UsageError
from fusionguard.home import Home
from fusionguard.serving.keys import add_key
from tests.assistant.http.conftest import RunningAssistant, start_assistant


def test_the_page_loads_nothing_from_elsewhere(assistant_service: RunningAssistant) -> None:
    page = assistant_service.client.get("/console/")
    assert page.status_code == 200
    assert not re.search(r"<(?:script|link|meta|img)\b[^>]*https?://", page.text)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "http" not in policy and "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce is not None
    assert set(re.findall(r"<script\b[^>]*?nonce=\"([^\"]+)\"", page.text)) == {nonce[1]}
    assert page.headers["x-frame-options"] == "DENY"
    assert "access-control-allow-origin" not in page.headers


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file/etc/passwd",
        "/file=/etc/passwd",
        "/gradio_api/proxy=http://127.0.0.1:1/",
        "/gradio_api/info",
        "/gradio_api/openapi.json",
        "/gradio_api/runs",
        "/gradio_api/upload_progress",
        "/monitoring",
        "/gradio_api/vibe-code/",
        "/gradio_api/deep_link",
        "/gradio_api/stream/a/b/1/playlist.m3u8",
        "/assets/../../../../../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/%2e%2e/routes.py",
        "/static/..%2f..%2f..%2froutes.py",
    ],
)
def test_gradios_other_pages_are_closed(assistant_service: RunningAssistant, path: str) -> None:
    answer = assistant_service.client.get(f"/console{path}", headers={"accept": "*/*"})
    assert answer.status_code == 404
    assert "root:" not in answer.text and "import" not in answer.text


@pytest.mark.parametrize(
    "path", ["upload", "call/ask", "api/predict", "run/predict", "process_recording", "vibe-edit", "component_server"]
)
def test_nothing_else_takes_posts(assistant_service: RunningAssistant, path: str) -> None:
    answer = assistant_service.client.post(f"/console/gradio_api/{path}", content=b"{}")
    assert (answer.status_code, answer.json()["reason"]) == (404, "no_route")
    assert assistant_service.client.put("/console/").status_code == 404


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"origin": "http://evil.example"}, b"{}", 403),
        ({"origin": "null"}, b"{}", 403),
        ({"sec-fetch-site": "cross-site"}, b"{}", 403),
        ({"sec-fetch-site": "same-site"}, b"{}", 403),
        ({"host": "evil.example"}, b"{}", 403),
        ({}, b"a" * 300_000, 413),
    ],
)
def test_posts_of_other_pages_are_refused(
    assistant_service: RunningAssistant, headers: dict[str, str], body: bytes, status: int
) -> None:
    join = "/console/gradio_api/queue/join"
    given = {"content-type": "application/json"} | headers
    assert assistant_service.client.post(join, content=body, headers=given).status_code == status


def test_a_name_that_points_here_sees_no_page(assistant_service: RunningAssistant) -> None:
    assert assistant_service.client.get("/console/", headers={"host": "evil.example:3001"}).status_code == 403


@pytest.mark.full
def test_with_keys_everything_but_health_asks_for_one(indexed_home: Home, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    key = add_key(keys, "analyst")
    running = start_assistant(tmp_path / "service", indexed_home, assistant_keys=keys, assistant_requests_per_second=1)
    try:
        running.wait_ready()
        client = running.client
        assert client.post("/v1/assist", json={"question": "a"}).status_code == 401
        assert client.get("/v1/sources").status_code == 401
        page = client.get("/console/")
        assert page.status_code == 401
        assert page.headers["www-authenticate"].startswith("Basic ")
        assert client.get("/console/", auth=("", "fg_wrong")).status_code == 401
        assert client.get("/console/theme.css").status_code == 401
        assert client.get("/console/", auth=("", key)).status_code == 200
        with_key = {"authorization": f"Bearer {key}"}
        told = [client.get("/v1/sources", headers=with_key) for _ in range(4)]
        assert told[0].status_code == 200
        assert told[-1].status_code == 429
        assert int(told[-1].headers["retry-after"]) >= 1
        assert client.get("/health").status_code == 200
    finally:
        running.stop()


def test_other_addresses_need_keys(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(UsageError, match=r"0\.0\.0\.0 needs keys.*FUSIONGUARD_ASSISTANT_KEYS"):
        assistant_command(home, host="0.0.0.0", port=3001, keys=None, model=None, environment={})
    with pytest.raises(UsageError, match="FUSIONGUARD_CONSOLE_NONSENSE"):
        assistant_command(
            home, host="127.0.0.1", port=3001, keys=None, model=None, environment={"FUSIONGUARD_CONSOLE_NONSENSE": "1"}
        )
    command, environment = assistant_command(home, host="127.0.0.1", port=3001, keys=None, model=None, environment={})
    assert command[-4:] == ["--host", "127.0.0.1", "--port", "3001"]
    assert (environment["HF_HUB_OFFLINE"], environment["GRADIO_ANALYTICS_ENABLED"]) == ("1", "False")
