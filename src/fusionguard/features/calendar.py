"""What models read of a clock, in SQL that DuckDB, Spark and the service understand alike."""

from __future__ import annotations

from fusionguard.datasets.prepared_names import CLOCK


def _calendar(time: str) -> dict[str, str]:
    """Return the SQL of each calendar feature, from whole DOUBLEs: seconds and days since 1970-01-01, a Thursday.

    The day of the month and the month follow Howard Hinnant, *chrono-compatible low-level date algorithms* (2021),
    ``civil_from_days``: eras of 400 years that begin on 1 March, so that a leap day is the last of its year. Weeks begin on
    Monday, 0; the weekend is Saturday and Sunday; the night is from midnight to 6 o'clock.
    """
    seconds = f"FLOOR({time})"
    days = f"FLOOR({seconds} / 86400e0)"
    hour = f"FLOOR(({seconds} - 86400e0 * {days}) / 3600e0)"
    weekday = f"({days} + 3e0 - 7e0 * FLOOR(({days} + 3e0) / 7e0))"
    era_days = f"({days} + 719468e0)"
    day_of_era = f"({era_days} - 146097e0 * FLOOR({era_days} / 146097e0))"
    leap = f"FLOOR({day_of_era} / 1460e0) - FLOOR({day_of_era} / 36524e0) + FLOOR({day_of_era} / 146096e0)"
    year = f"FLOOR(({day_of_era} - ({leap})) / 365e0)"
    day_of_year = f"({day_of_era} - (365e0 * {year} + FLOOR({year} / 4e0) - FLOOR({year} / 100e0)))"
    month = f"FLOOR((5e0 * {day_of_year} + 2e0) / 153e0)"
    return {
        "hour_of_day": f"CAST({hour} AS INT)",
        "day_of_week": f"CAST({weekday} AS INT)",
        "day_of_month": f"CAST({day_of_year} - FLOOR((153e0 * {month} + 2e0) / 5e0) + 1e0 AS INT)",
        "month": f"CAST({month} + 3e0 - 12e0 * FLOOR({month} / 10e0) AS INT)",
        "weekend": f"CASE WHEN {weekday} >= 5e0 THEN 1 ELSE 0 END",
        "night": f"CASE WHEN {hour} < 6e0 THEN 1 ELSE 0 END",
    }


CALENDAR_SQL = _calendar(CLOCK)
"""The SQL of each calendar feature over the column of the clock's seconds."""

CYCLE_DAYS = {"hour_of_day": 1, "night": 1, "day_of_week": 7, "weekend": 7, "day_of_month": 31, "month": 366}
"""In how many days a calendar feature has had all its values."""
