"""The measurement of a service's state, in small."""

from __future__ import annotations

import re

import pytest

from benchmarks.online_state import main
from tests.redis_server import RunningRedis


@pytest.mark.parametrize("kind", ["SQLite", pytest.param("Redis", marks=pytest.mark.full)])
def test_it_measures_a_state_from_one_process_and_from_two(
    capsys: pytest.CaptureFixture[str], redis: RunningRedis, kind: str
) -> None:
    elsewhere = ["--redis", f"{redis.url[:-1]}9"] if kind == "Redis" else []
    assert main(["--events", "600", "--cards", "50", "--observed", "20", *elsewhere]) == 0
    told = capsys.readouterr().out
    assert re.search(rf"{kind}.* 30 memories, 600 events of 50 cards\.\nLoaded [0-9,]+ events a second, [0-9.]+ MB; opened", told)
    assert (re.search(r"Bytes: [0-9]{3} a card, [0-9]{3,4} a shop", told) is None) == (kind == "Redis")
    rows = [line.strip("| ").split(" | ") for line in told.splitlines()[-2:]]
    assert [row[0] for row in rows] == ["1", "2"]
    assert all(float(row[2]) > 0.01 and float(row[3]) >= float(row[2]) for row in rows)
