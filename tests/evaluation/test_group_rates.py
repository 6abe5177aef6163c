"""Groups of rows: rates at the real prior, gaps between groups, and limits."""

from __future__ import annotations

import numpy as np
import pytest

from fusionguard.evaluation.group_rates import GroupReport, read_groups
from fusionguard.evaluation.scored import ScoredRows
from fusionguard.evaluation.segments import NOT_KNOWN, Segments
from fusionguard.proportions import wilson_interval


def _read(limits: dict[str, float | None], minimum: int = 5) -> GroupReport:
    """200 rows of group a and 100 of b, 5 of whom nobody knows the group; negatives stand for 4 each."""
    label = np.zeros(305, dtype=np.int8)
    flagged = np.zeros(305, dtype=np.bool_)
    label[:40], flagged[:30], flagged[40:48] = 1, True, True  # a: 30 of 40 frauds, 8 of 160 others
    label[200:220], flagged[200:204], flagged[220:260] = 1, True, True  # b: 4 of 20 frauds, 40 of 80 others
    place = np.repeat([0, 1, 2], [200, 100, 5])
    rows = ScoredRows(
        label=label,
        probability=np.where(place == 0, 0.1, 0.05),
        amount=np.ones(305),
        time_seconds=None,
        weight=np.where(label == 0, 4.0, 1.0),
        score=np.linspace(0, 1, 305),
    )
    return read_groups(rows, flagged, [Segments("age", ("a", "b", NOT_KNOWN), place)], limits, minimum_rows=minimum)


def test_rates_are_of_the_real_prior_with_intervals_of_the_rows_there_are() -> None:
    a, b, unknown = _read({}).groups
    assert [(group.group, group.rows, group.positives) for group in (a, b, unknown)] == [
        ("a", 200, 40),
        ("b", 100, 20),
        (NOT_KNOWN, 5, 0),
    ]
    assert (a.recall.value, a.recall.low, a.recall.high) == pytest.approx((0.75, *wilson_interval(30, 40)))
    assert b.false_positive_rate.value == 0.5
    assert a.alert_rate.value == pytest.approx((30 + 4 * 8) / (40 + 4 * 160))
    assert a.calibration.value == pytest.approx(0.1 - 40 / 680)
    assert unknown.recall.reason == "no positive rows in this group"


def test_gaps_name_the_groups_and_are_held_against_limits() -> None:
    limits = {"recall": 0.1, "false_positive_rate": 0.44, "calibration": 0.9}
    gaps = {gap.metric: gap for gap in _read(limits).gaps}
    recall, rate = gaps["recall"], gaps["false_positive_rate"]
    assert (recall.value.value, recall.groups, recall.verdict) == (pytest.approx(0.55), ("a", "b"), "broken")
    assert (rate.value.value, rate.groups, rate.verdict) == (pytest.approx(0.45), ("b", "a"), "watch")
    assert 0.1 < recall.value.low < 0.55 < recall.value.high  # type: ignore[operator]
    assert (gaps["alert_rate"].verdict, gaps["calibration"].verdict, gaps["calibration"].groups) == ("reported", "within", ("a",))
    assert "highest for 'a' and lowest for 'b'" in recall.sentence() and "breaks the limit of 0.1" in recall.sentence()


def test_small_groups_are_shown_and_not_compared() -> None:
    report = _read({"recall": 0.01}, minimum=21)
    gap = next(gap for gap in report.gaps if gap.metric == "recall")
    assert len(report.groups) == 3 and report.broken == ()
    assert (gap.value.reason, gap.verdict) == ("too few groups have enough rows", "reported")
