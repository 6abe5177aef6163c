"""The measurement of a service's state, in small."""

from __future__ import annotations

import re

import pytest

from benchmarks.online_state import main, plan


def test_it_measures_a_state_from_one_process_and_from_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(plan()) == 30
    assert main(["--events", "600", "--observed", "20"]) == 0
    told = capsys.readouterr().out
    assert re.search(
        r"30 memories, 600 events\.\nLoaded [0-9,]+ events a second\. Bytes: [0-9]{3} a card, [0-9]{3,4} a shop", told
    )
    rows = [line.strip("| ").split(" | ") for line in told.splitlines()[-2:]]
    assert [row[0] for row in rows] == ["1", "2"]
    assert all(float(row[2]) > 0.01 and float(row[3]) >= float(row[2]) for row in rows)
