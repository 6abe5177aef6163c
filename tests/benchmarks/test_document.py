"""The document says what was measured, and its verdicts follow from the numbers."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib import image

from benchmarks.chart import draw_chart
from benchmarks.document import write_document
from benchmarks.markdown import table
from benchmarks.measure import Measurement
from benchmarks.results import Results


def test_the_run_is_shown_beside_its_imports_and_judged_by_the_rest(results: Results) -> None:
    text = write_document(results, None)
    assert "| cold: nothing made yet | 60.0 | 2,000 |" in text
    assert "| **beyond what imports take** | **50.0** | **1,100** |" in text
    assert "Met: 50.0 s and 1,100 MB on 2 cores." in text
    assert "| the same command again: 2 of 4 steps cached | 15.0 | 1,200 |" in text


@pytest.mark.parametrize("taken", [Measurement(seconds=80.1, peak_mb=2000.0), Measurement(seconds=60.0, peak_mb=2949.0)])
def test_a_missed_target_is_said(results: Results, taken: Measurement) -> None:
    assert results.fraud_run is not None
    slow = results.fraud_run.model_copy(update={"cold": results.fraud_run.cold.model_copy(update={"took": taken})})
    text = write_document(results.model_copy(update={"fraud_run": slow}), None)
    assert text.count("Missed: ") == 1 and text.count("Met: ") == 1


def test_the_churn_run_is_judged_by_its_seconds(results: Results) -> None:
    assert results.churn_run is not None
    text = write_document(results, None)
    assert "`python run.py --pipeline churn --source simulated` with 10,000 customers" in text
    assert "Target on 2 cores: at most 25 s beyond imports. Met: 22.0 s and 600 MB on 2 cores." in text
    taken = Measurement(seconds=35.1, peak_mb=9000.0)
    slow = results.churn_run.model_copy(update={"cold": results.churn_run.cold.model_copy(update={"took": taken})})
    assert "Missed: 25.1 s and 8,100 MB" in write_document(results.model_copy(update={"churn_run": slow}), None)


def test_what_was_measured_of_churn_alone_says_so(results: Results) -> None:
    alone = results.model_copy(update={"fraud_run": None, "engines": None})
    assert write_document(alone, None).startswith("# Benchmarks of the churn pipeline\n")
    assert "monitoring.md" not in write_document(alone, None)
    whole = write_document(results, None)
    assert whole.startswith("# Benchmarks\n") and "[monitoring](monitoring.md#measured)" in whole


def test_steps_add_up_to_the_whole(results: Results) -> None:
    text = write_document(results, None)
    assert "| load_data | 4.0 | cached |" in text
    assert "| gate | 1.0 | 1.0 |" in text
    assert "| outside the steps | 19.0 | 11.0 |" in text
    assert "| **in all** | **60.0** | **15.0** |" in text


def test_the_plain_script_is_a_ratio_of_the_same_measuring(results: Results) -> None:
    text = write_document(results, None)
    assert "| **plain script / fraud run** | **2.50** | **1.50** |" in text
    assert "40 % of the plain script's time and 67 % of its memory" in text


def test_what_zenml_costs_is_split_into_steps_and_the_rest(results: Results) -> None:
    text = write_document(results, None)
    assert "| load_data | 4.0 | 3.0 | +1.0 |" in text
    assert "| outside the steps | 19.0 | 12.0 | +7.0 |" in text
    assert "| peak MB | 2,000 | 1,800 | +200 |" in text
    assert "ZenML takes 10.0 s (17 % of the run): 3.0 s in 4 steps (0.75 s each) and 7.0 s outside them" in text


def test_engines_stand_side_by_side_with_their_ratio(results: Results) -> None:
    text = write_document(results, None)
    assert "| 2,848,070 | 8.0 | 40.0 | **5.0** | 500 | 1,500 | **3.0** |" in text
    assert "| 1,000,000 | 5.0 | 20.0 | **4.0** | 500 | 1,500 | **3.0** |" in text
    assert text.count("| transactions | DuckDB, s |") == text.count("| customers | DuckDB, s |") == 1


def test_growth_is_told_per_million_rows(results: Results) -> None:
    text = write_document(results, None)
    assert "| 284,807 | 60.0 | 211 |  | 2,000 |  |" in text
    assert "| 569,614 | 100.0 | 176 | 140 | 2,500 | 1,756 |" in text
    assert "4.0 times the rows take 3.2 times the seconds (3.6 times beyond imports) and 2.0 times the memory." in text


def test_a_part_that_was_not_measured_is_not_mentioned(results: Results) -> None:
    others = set(Results.model_fields) - {"day", "machine", "full_size", "engines", "seconds"}
    text = write_document(results.model_copy(update=dict.fromkeys(others)), None)
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## DuckDB against Spark", "## How it was measured"]


def test_a_quick_document_says_so_and_judges_nothing(results: Results) -> None:
    text = write_document(results.model_copy(update={"full_size": False}), None)
    assert "QUICK" in text
    assert "Met: " not in text and "Missed: " not in text


def test_every_table_is_rectangular(results: Results) -> None:
    blocks = [block.splitlines() for block in write_document(results, None).split("\n\n") if block.startswith("|")]
    assert len(blocks) == 12
    for block in blocks:
        assert len({line.count("|") for line in block}) == 1, block[0]
    assert table(("a", "b"), [("x", "1")]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_the_chart_is_the_same_image_for_the_same_numbers(results: Results) -> None:
    first = draw_chart(results)
    assert first is not None and first == draw_chart(results)
    pixels = image.imread(io.BytesIO(first), format="png")
    assert pixels.shape[1] > 1200 and np.ptp(pixels) > 0.5


def test_there_is_no_chart_of_nothing(results: Results) -> None:
    nothing = results.model_copy(update={"fraud_run": None, "engines": None, "growth": None})
    assert draw_chart(nothing) is None
