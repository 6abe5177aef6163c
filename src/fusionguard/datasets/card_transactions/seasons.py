"""How much is paid on a day: week, month, payday and holidays."""

from __future__ import annotations

from datetime import date, timedelta

from fusionguard.datasets.card_transactions.settings import Seasons

_GOOD_FRIDAY, _EASTER_MONDAY = -2, 1


def day_factor(day: date, seasons: Seasons) -> float:
    """Return how many times as many payments as on an ordinary day are made on this one."""
    factor = seasons.week[day.weekday()] * seasons.month[day.month - 1]
    if day.day >= 26 or day.day <= 2:
        factor *= seasons.after_payday
    elif day.day >= 18:
        factor *= seasons.before_payday
    for month, number, of_holiday in seasons.holidays:
        if (day.month, day.day) == (month, number):
            factor *= of_holiday
    sunday = easter(day.year)
    if day - sunday in (timedelta(_GOOD_FRIDAY), timedelta(0), timedelta(_EASTER_MONDAY)):
        factor *= seasons.easter
    if day.month == 11 and day.weekday() == 4 and 23 <= day.day <= 29:
        factor *= seasons.black_friday
    return factor


def amount_factor(day: date, seasons: Seasons) -> float:
    """Return how many times as large amounts are on a day."""
    return seasons.christmas_amounts if day.month == 12 and day.day <= 24 else 1.0


def easter(year: int) -> date:
    """Return Easter Sunday of a Gregorian year (the anonymous algorithm of 1876, in Meeus, "Astronomical Algorithms", ch. 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    r = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * r) // 433
    month = (h + r - 7 * m + 90) // 25
    return date(year, month, (h + r - 7 * m + 33 * month + 19) % 32)
