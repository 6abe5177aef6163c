"""The page of a verdict says all of it, in the Markdown and on the timeline."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.families.fraud.readings import metric_digits
from fusionguard.monitoring.charts import history_chart
from fusionguard.monitoring.estimate import PerformanceEstimate
from fusionguard.monitoring.findings import Finding
from fusionguard.monitoring.history import record_verdict
from fusionguard.monitoring.multivariate import ClassifierTest, Driver
from fusionguard.monitoring.page import verdict_page
from fusionguard.monitoring.performance import PerformanceReport
from fusionguard.monitoring.thresholds import MonitoringThresholds
from fusionguard.monitoring.verdict import decide
from fusionguard.monitoring.window import WindowFacts
from tests.monitoring.verdicts import DAY, MOVED, drift_of, finding, outcomes_of, recomputed_of

LIMITS = MonitoringThresholds()
FACTS = WindowFacts(
    model="fraud",
    model_version="a1b2c3d4e5f6",
    first=DAY,
    last=DAY + timedelta(days=7),
    rows=9_000,
    labelled=8_000,
    simulated=0,
    origin="kaggle",
    other_versions={"older": 12},
    unreadable=("part-7.parquet: it is cut off",),
)
CLASSIFIER = ClassifierTest(
    rows=900,
    reference_rows=900,
    auc=Interval(value=0.71, low=0.69, high=0.73),
    drivers=(Driver(column="V1", share=0.62),),
    finding=finding("classifier", "all columns", "watch"),
)


def page(*found: Finding, outcomes: PerformanceReport | None = None, estimate: PerformanceEstimate | None = None) -> str:
    drift = drift_of(*found)
    report = outcomes or outcomes_of()
    verdict = decide(drift, classifier=CLASSIFIER, performance=report, estimate=estimate)
    return verdict_page(verdict, FACTS, drift, CLASSIFIER, report, estimate, LIMITS, ["plots/scores.png"], {}, metric_digits)


def test_it_says_what_where_since_when_how_sure_why_and_what_to_do() -> None:
    text = page(MOVED)
    for words in (
        "# fraud monitoring: act",
        "| what | found |\n|---|---|\n| window |",
        "9,000 rows, 8,000 with an outcome",
        "| likely cause | population |",
        "| advice | **retrain** |",
        "| since | 2026-09-22 00:00:00 UTC |",
        "| features | V1 |",
        "| sureness | 99.99 % of windows",
        "| act | V1 psi | 1 | 0.1 | 0.2 | 0.0001 | 2026-09-22 00:00:00 UTC |",
        "0.710 (0.690 to 0.730)",
        "V1 (62 %)",
        "![scores](plots/scores.png)",
        "rows that other versions answered are left out: older (12)",
        "could not be read and its rows are missing: part-7.parquet: it is cut off",
    ):
        assert words in text
    assert "SIMULATED" not in text


def test_a_segment_is_shown_where_it_is_graver_than_the_whole_and_named_in_the_reason() -> None:
    whole = finding("psi", "V1", "watch")
    graver = finding("psi", "V1", "act").model_copy(update={"segment": "amount: 500 and more"})
    alike = whole.model_copy(update={"segment": "amount: 0 to under 1"})
    drift = drift_of(whole).model_copy(update={"segments": (graver, alike)})
    verdict = decide(drift)
    assert "V1 psi (amount: 500 and more)" in verdict.reasons
    text = verdict_page(verdict, FACTS, drift, CLASSIFIER, outcomes_of(), None, LIMITS, [], {}, metric_digits)
    table = text.partition("## In segments")[2].partition("##")[0]
    assert "| amount: 500 and more | act | V1 psi | 1 |" in table
    assert "amount: 0 to under 1" not in table


def test_what_was_recomputed_is_counted_by_what_became_of_it() -> None:
    drift, recomputed = drift_of(), recomputed_of("act")
    verdict = decide(drift, recomputed=recomputed)
    text = verdict_page(verdict, FACTS, drift, CLASSIFIER, outcomes_of(), None, LIMITS, [], {}, metric_digits, recomputed)
    table = text.partition("## What happened before, recomputed")[2].partition("##")[0]
    assert "| rows of the window, against rows.csv | rows |" in table
    assert "| recomputed, the same in every feature | 27 |\n| recomputed, other in some feature | 13 |" in table
    assert "| not compared: they are not in the history | 4 |" in table
    assert "| likely cause | feature pipeline |\n| advice | **rebuild the state** |" in text
    assert "| act | card_count_1d skew | 1 | 0.1 | 0.2 |" in text and "recomputed" not in page(MOVED)


def test_small_metrics_keep_the_digits_that_they_are_worth() -> None:
    small = Interval(value=0.00034, low=0.00023, high=0.00044)
    outcomes = outcomes_of().model_copy(
        update={"metrics": {"brier": small}, "baseline": {"brier": small}, "deltas": {"brier": Interval(reason="none")}}
    )
    assert "| brier | 0.00034 (0.00023 to 0.00044) | 0.00034 (0.00023 to 0.00044) |" in page(outcomes=outcomes)


@pytest.mark.parametrize("states", [["act"], ["healthy", "not judged", "act"]])
def test_the_timeline_is_drawn_of_one_verdict_and_of_many(states: list[str]) -> None:
    verdict = decide(drift_of(MOVED))
    record = record_verdict(verdict, FACTS, drift_of(MOVED), outcomes_of(), run="monitoring-1", at=DAY)
    records = [
        record.model_copy(
            update={
                "state": state,
                "at": DAY + timedelta(hours=number),
                "largest_psi": None if state == "not judged" else number / 10,
            }
        )
        for number, state in enumerate(states)
    ]
    picture = Image.open(BytesIO(history_chart(records, LIMITS, simulated=True)))
    colors = {color for _, color in picture.convert("RGB").getcolors(2**20) or []}
    assert (0x3A, 0x8F, 0x5C) in colors, "the legend names every state"
    assert picture.width > 500
