"""A client that sends requests and reads no answer does not keep what its key may have open."""

from __future__ import annotations

import socket

from tests.serving.conftest import RunningService


def test_a_client_that_reads_nothing_is_given_up(service: RunningService) -> None:
    given_up = 'fusionguard_requests_total{route="/openapi.json",status="499"}'
    before = service.metric(given_up)
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as raw:
        raw.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)  # answers beyond what buffers hold
        service.wait_metric(given_up, before + 1)
    assert service.client.get("/health").status_code == 200
