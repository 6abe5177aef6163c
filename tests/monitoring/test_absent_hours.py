"""Hours that stop coming: which, since when, and how many rows of them are missing, on traffic of known numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import poisson

from fusionguard.evaluation.scored import Floats, Integers
from fusionguard.monitoring.faults.evidence import Column, Evidence
from fusionguard.monitoring.faults.hours import find_absent_hours
from fusionguard.monitoring.faults.mark import Mark
from fusionguard.monitoring.thresholds import MonitoringThresholds

MIDNIGHT = datetime(2026, 9, 20, tzinfo=UTC)
PER_HOUR = 10 + np.arange(24)
"""Rows of each hour of a day: 516 together."""


def traffic(days: int, absent: tuple[int, ...] = (), since: int = 0) -> Integers:
    """Micros of rows, spread evenly within each hour; the first at midnight."""
    micros = []
    for day in range(days):
        for hour in range(24):
            if not (hour in absent and day >= since):
                begin = (day * 24 + hour) * 3_600_000_000 + int(MIDNIGHT.timestamp()) * 1_000_000
                micros += [begin + k * 3_500_000_000 // int(PER_HOUR[hour]) for k in range(PER_HOUR[hour])]
    return np.array(micros, dtype=np.int64)


def marks(micros: Integers, hours: tuple[Floats, Floats] | None = None) -> list[Mark]:
    told = None if hours is None else Column("hour_of_day", *hours, is_category=False)
    return list(find_absent_hours(Evidence({}, micros, told), MonitoringThresholds()))


def test_hours_of_the_clock_that_stop_are_named_dated_and_counted() -> None:
    """Of five days' 2,580 rows, 3 times 13 + 14 of the last three days are missing."""
    (mark,) = marks(traffic(5, (3, 4), since=2))
    assert (mark.kind, mark.columns, mark.asks_owner) == ("absent_hours", (), False)
    assert mark.effect == pytest.approx(81 / 2_580)
    assert mark.since == MIDNIGHT + timedelta(days=2)
    assert mark.sentence == (
        "no rows of the hours 03, 04 (by the log's clock) have come since 2026-09-22 00:00 UTC, "
        "where about 5.2% of the rows should be"
    )
    fewest = 13 / 516 * 3 * 489
    assert mark.chance == pytest.approx(float(poisson.cdf(0.02 * fewest, fewest)) * 24 * 5, rel=1e-6, abs=0)


def test_hours_that_rows_tell_are_held_against_the_references() -> None:
    """The clock of the log shows all hours; the rows' own hour lacks two of the reference's from the first day on."""
    micros = traffic(4)
    told = np.where(np.isin(micros // 3_600_000_000 % 24, (5, 6)), 7, micros // 3_600_000_000 % 24).astype(np.float64)
    reference = np.repeat(np.arange(24), PER_HOUR).astype(np.float64)
    (mark,) = marks(micros, (reference, told))
    assert mark.since == MIDNIGHT
    share = 31 / 516
    assert mark.effect == pytest.approx(share)
    assert mark.sentence == "no rows of the hours 05, 06 (by hour_of_day) have come, where about 6.0% of the rows should be"


def test_an_hour_that_never_has_rows_is_absent_where_the_references_come_at_all_hours() -> None:
    """At least as many as the reference's quietest hour has are missed: 10 of 516."""
    micros = traffic(4, (9,))
    told = np.resize(np.repeat(np.arange(24), PER_HOUR), micros.size).astype(np.float64)
    reference = np.repeat(np.arange(24), PER_HOUR).astype(np.float64)
    (mark,) = marks(micros, (reference, told))
    assert "of the hours 09 (by the log's clock)" in mark.sentence
    missed = (10 / 516 * micros.size) / (1 - 10 / 516)
    assert mark.effect == pytest.approx(missed / (missed + micros.size))
    assert marks(micros) == [], "without a reference nobody knows"


def test_all_hours_of_every_day_and_too_few_days_show_nothing() -> None:
    assert marks(traffic(4)) == []
    assert marks(traffic(1)) == []
    assert marks(np.zeros(0, dtype=np.int64)) == []
    assert "of the hours 16, 17, 18, 19, 20, 21, 22, 23 (" in marks(traffic(4, tuple(range(16, 24)), since=2))[0].sentence
    assert marks(traffic(4, tuple(range(15, 24)), since=2)) == [], "hours of more than half of all rows: another kind of traffic"
