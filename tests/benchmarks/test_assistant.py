"""The assistant's section says what was measured, and its verdicts follow from the numbers."""

from __future__ import annotations

import pytest

from benchmarks.assistant.__main__ import main
from benchmarks.assistant.results import AssistantResults, IndexCost, PartReading, RetrievalReading, UnknownReading
from benchmarks.assistant.section import section
from benchmarks.machine import Machine

MACHINE = Machine(cores=2, memory_gb=24, system="Debian", python="3.11.7", libraries={}, load=0.1)
COST = IndexCost(
    passages=229,
    file_kilobytes=1888,
    words_seconds=0.5,
    meaning_seconds=None,
    again_seconds=0.1,
    words_peak_mb=139,
    meaning_peak_mb=None,
)
UNKNOWN = UnknownReading(name="by words", answerable=40, answered=32, unanswerable=13, declined=10)


def _reading(name: str, hit_at_3: float = 0.95, reciprocal_rank: float = 0.85, milliseconds: float = 9.9) -> RetrievalReading:
    return RetrievalReading(
        name=name,
        questions=40,
        hit_at_1=0.8,
        hit_at_3=hit_at_3,
        reciprocal_rank=reciprocal_rank,
        milliseconds=milliseconds,
        slowest_milliseconds=20.0,
    )


def _results(*readings: RetrievalReading) -> AssistantResults:
    parts = tuple(PartReading(part=part, retrieval=readings, unknown=(UNKNOWN,)) for part in ("dev", "test", "fresh", "held"))
    return AssistantResults(machine=MACHINE, parts=parts, index=COST, seconds=60.0, answers=(), model=None)


def test_met_and_missed_targets_are_told_of_what_was_not_tuned_on() -> None:
    text = section(_results(_reading("fused")))
    assert text.count("(met)") == 9 and "not met" not in text
    text = section(_results(_reading("fused", hit_at_3=0.94, reciprocal_rank=0.84, milliseconds=10.0)))
    assert text.count("(**not met**)") == 9 and "(met)" not in text


def test_without_the_model_no_target_is_claimed() -> None:
    text = section(_results(_reading("FTS5 alone")))
    assert "was not measured" in text
    assert "(met)" not in text


def test_precision_and_recall_of_what_is_declined() -> None:
    assert UNKNOWN.precision == pytest.approx(10 / 18)
    assert UNKNOWN.recall == pytest.approx(10 / 13)
    assert "| test, by words | 32 of 40 | 10 of 13 | 0.56 | 0.77 |" in section(_results(_reading("fused")))


def test_the_command_calibrates_by_words_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--calibrate", "--words-only"]) == 0
    assert capsys.readouterr().out.startswith("WORDS_ALONE = Weights(constant=")
