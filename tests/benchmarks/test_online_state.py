"""The measurement of a service's state, in small."""

from __future__ import annotations

import re
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.measure import BenchmarkError
from benchmarks.online_copies import copy_cards
from benchmarks.online_peers import ask_duckdb, ask_feast
from benchmarks.online_state import DELAY_SECONDS, declaration, draw, main
from fusionguard.datasets.history import memories
from fusionguard.features.online.place import state_place
from fusionguard.features.online.state import Remembered
from tests.redis_server import RunningRedis

SMALL = ["--events", "600", "--cards", "50", "--observed", "20", "--grown", "300", "--asked", "5"]


@pytest.mark.parametrize("kind", ["SQLite", pytest.param("Redis", marks=pytest.mark.full)])
def test_it_measures_a_state_and_what_others_would_do(capsys: pytest.CaptureFixture[str], redis: RunningRedis, kind: str) -> None:
    kinds = ["SQLite", "Redis"] if kind == "Redis" else ["SQLite"]
    elsewhere = ["--redis", f"{redis.url[:-1]}9"] if kind == "Redis" else []
    assert main([*SMALL, *elsewhere]) == 0
    told = capsys.readouterr().out
    for each in kinds:
        pattern = rf"{each}.*: 30 memories, 600 events of 50 cards\.\nLoaded [0-9,]+ events a second, [0-9.]+ MB; opened"
        assert re.search(pattern, told)
    assert re.search(r"Bytes: [0-9]{3} a card, [0-9]{3,4} a shop", told)
    rates, grown, asked = ([_cells(line) for line in part.splitlines()[2:]] for part in re.findall(r"(?:\|.*\n?)+", told))
    assert [(row[0].split()[0], row[1]) for row in rates] == [(each, processes) for each in kinds for processes in "12"]
    assert all(float(row[3]) > 0.01 and float(row[4]) >= float(row[3]) for row in rates)
    assert [(row[0].split()[0], row[1]) for row in grown] == [(each, "300") for each in kinds]
    assert all(0 < float(row[3]) < 60 and float(row[5]) > 0.01 for row in grown)
    assert [row[0].split()[0] for row in asked] == ["the", "DuckDB,"]
    assert "Feast was left out" in told


def test_features_that_are_not_those_of_the_state_are_told() -> None:
    plan = sorted(memories(declaration()), key=lambda each: each.name)
    first, second = draw(1, 2, 2, 1)
    with pytest.raises(BenchmarkError, match="disagree on event 0"):
        ask_duckdb([first], [second], [Remembered(dict.fromkeys((each.name for each in plan), 0), True)], plan, DELAY_SECONDS)


def test_a_python_without_feast_is_told() -> None:
    event = next(draw(1, 1, 1, 1))
    seen = Remembered({each.name: 1 for each in memories(declaration())}, True)
    with pytest.raises(BenchmarkError, match=r"Feast did not answer: .*feast"):
        ask_feast(sys.executable, [event], [seen], memories(declaration()))


def test_cards_that_are_added_have_the_memories_of_the_first_ones(tmp_path: Path) -> None:
    place = state_place(str(tmp_path), declaration())
    events = [replace(each, keys={"card": f"C{at % 2}", "shop": "S0"}) for at, each in enumerate(draw(1, 9, 9, 2))]
    place.build(events, replace=False).close()
    later = replace(events[-1], id="later", second=events[-1].second + 60)
    with closing(place.open()) as state:
        copy_cards(state, str(tmp_path), str(place), 2, 5)
        seen = [
            state.peek(replace(later, keys={"card": card, "shop": "S0"})).values for card in ("C0", "C1", "C2", "C3", "C4", "C5")
        ]
    assert seen[0] == seen[2] == seen[4] != seen[1] == seen[3]
    assert seen[5] not in seen[:5]


def _cells(line: str) -> list[str]:
    return [each.strip().replace(",", "") if at else each.strip() for at, each in enumerate(line.strip("|").split("|"))]
