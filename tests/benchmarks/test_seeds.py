"""What the document on seeds says of readings, and what early stopping would have kept."""

from __future__ import annotations

from typing import Any

from benchmarks import seeds
from benchmarks.seeds import Reading, document, stopped_at
from fusionguard.evaluation.planned_rows import PlannedColumns
from fusionguard.evaluation.splits import SplitPlan


def test_early_stopping_gives_up_at_the_end_of_a_segment_and_keeps_the_first_best() -> None:
    early = [0.1, 0.4, 0.4] + [0.3] * 97
    assert stopped_at([*early, *[0.3] * 49, 0.9]) == 150  # it waits for a hundred rounds, to the end of a segment
    assert stopped_at([*early, *[0.3] * 50, 0.9, *[0.3] * 60]) == 2
    assert stopped_at([0.2, 0.1]) == 1


def test_the_document_says_what_was_read() -> None:
    def part(start: int, stop: int, frauds: int) -> dict[str, int]:
        return {"start": start, "stop": stop, "first_second": start, "last_second": stop - 1, "positives": frauds}

    plan: dict[str, Any] = {"train": part(0, 60, 21), "validation": part(60, 70, 3), "calibration": part(70, 80, 4)}
    readings = [Reading(now=0.81, before=0.70, stopped=7), Reading(now=0.84, before=0.86, stopped=600)]
    text = document(readings, "cards.csv", SplitPlan(columns=PlannedColumns(time="second"), **plan, test=part(80, 100, 9)))
    assert "Rows: cards.csv; 21 frauds to fit on, 3 on the validation slice, 9 on the test slice" in text
    assert "0.7000 (7)" in text and "0.8600 (600)" in text
    cells = [[cell.strip(" *") for cell in line.split("|")[1:-1]] for line in text.splitlines() if "|" in line]
    rows = {name: values for name, *values in cells}
    assert rows["mean"] == ["0.7800", "0.8250"]
    assert rows["standard deviation"] == ["0.1131", "0.0212"]
    assert rows["range"] == ["0.1600", "0.0300"]
    assert "early stopping kept 7 to 600 rounds" in text
    assert "The standard deviation is 0.19 and the range 0.19 times what it was" in text


def test_a_file_that_is_not_there_is_said(capsys: Any) -> None:
    assert seeds.main(["no_such_file.csv"]) == 2
    assert "There is no file 'no_such_file.csv'" in capsys.readouterr().err
