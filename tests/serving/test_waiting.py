"""Work that needs no waiting is done at once; other work has so long, and learns that its time is up."""

from __future__ import annotations

import asyncio

import pytest

from fusionguard.serving.http import within


async def _add(waits: list[float], seen: list[str]) -> int:
    try:
        for seconds in waits:
            await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        seen.append("cancelled")
        raise
    finally:
        seen.append("ended")
    return len(waits)


def test_what_waits_for_nothing_is_done_without_a_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "timeout", None)
    assert asyncio.run(within(1.0, _add([], []))) == 0


def test_what_waits_goes_on_where_it_was() -> None:
    seen: list[str] = []
    assert asyncio.run(within(30.0, _add([0.0, 0.001, 0.0], seen))) == 3
    assert seen == ["ended"]


def test_what_waits_too_long_is_told_so() -> None:
    seen: list[str] = []
    with pytest.raises(TimeoutError):
        asyncio.run(within(0.01, _add([0.0, 30.0], seen)))
    assert seen == ["cancelled", "ended"]


def test_a_fault_is_raised_whether_it_comes_at_once_or_later() -> None:
    async def fail(waits: float | None) -> None:
        if waits is not None:
            await asyncio.sleep(waits)
        raise KeyError(7)

    for waits in (None, 0.001):
        with pytest.raises(KeyError):
            asyncio.run(within(30.0, fail(waits)))


def test_an_end_from_outside_reaches_the_work() -> None:
    seen: list[str] = []

    async def end() -> None:
        task = asyncio.create_task(within(30.0, _add([30.0], seen)))
        await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(end())
    assert seen == ["cancelled", "ended"]
