"""Bodies beyond their limit are refused as such, as soon as nothing more of them comes."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from fusionguard.serving.http import Request
from fusionguard.serving.problems import ProblemError


def refusal(parts: list[bytes], headers: dict[bytes, bytes]) -> ProblemError:
    """Send a body in pieces, and nothing after the last; return why a limit of ten bytes refuses it."""
    left = list(parts)

    async def receive() -> MutableMapping[str, Any]:
        if not left:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    with pytest.raises(ProblemError) as refused:
        asyncio.run(Request("id", "/", headers, receive, seconds=0.5).body(10))
    return refused.value


@pytest.mark.parametrize("parts", [[b"12345678901"], [b"1234567890", b"1"], [b"12345678901", b"2"], [b"12345678901", b"2", b"3"]])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_by_any_piece(parts: list[bytes], declared: bool) -> None:
    headers = {b"content-length": str(sum(map(len, parts))).encode()} if declared else {}
    refused = refusal(parts, headers)
    assert (refused.status, refused.reason) == (413, "too_large")


def test_a_body_that_does_not_end_gets_408() -> None:
    async def receive() -> MutableMapping[str, Any]:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"", "more_body": True}

    with pytest.raises(ProblemError) as refused:
        asyncio.run(Request("id", "/", {}, receive, seconds=0.2).body(10))
    assert refused.value.status == 408
