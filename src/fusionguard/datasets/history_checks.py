"""What keeps rows from seeing what windows should remember: a history that lies elsewhere in time, or is too short."""

from __future__ import annotations

from collections.abc import Iterator

from fusionguard.data.table import Table
from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.history import Span, memories
from fusionguard.datasets.moment_sql import event
from fusionguard.datasets.table_rows import TableRows, open_rows

_SECONDS_PER_DAY = 86_400


def longest_span(declaration: Declaration) -> Span:
    """Return the longest span of a declaration's windows."""
    return max((each.span for each in memories(declaration)), key=lambda span: span.seconds)


def history_remarks(declaration: Declaration, rows: Table, earlier: Table) -> Iterator[str]:
    """Yield what a person must know of the file of earlier rows beside those that are scored; nothing where all is well.

    Parameters
    ----------
    rows, earlier
        Raw rows, which have the time and, where ids tell rows apart, the declared id.
    """
    longest, own = longest_span(declaration), declaration.id
    with open_rows(rows, declaration.missing_values) as asked, open_rows(earlier, declaration.missing_values) as before:
        first, last, _ = _seconds(declaration, asked)
        begins, ends, count = _seconds(declaration, before)
    if not count:
        yield "The history holds no rows: of what happened before the rows of the input, nothing is known."
        return
    if own is not None and own in rows.columns and own not in earlier.columns:
        yield f"The history has no column '{own}': a row that is in the input, too, counts twice."
    if first is None or last is None or begins is None or ends is None:
        return
    if begins > last:
        yield "The history begins after the last row of the input: no row sees anything of it."
    elif ends < first - longest.seconds:
        yield f"The history ends {_days(first - ends)} before the first row of the input: no window sees anything of it."
    elif ends < first - _SECONDS_PER_DAY:
        yield f"The history ends {_days(first - ends)} before the first row of the input: what was in between is not known."
    if first - longest.seconds < begins <= first:
        reach = f"{_days(first - begins)} before the first row of the input"
        yield f"The history begins {reach}: what windows of {longest.text} remember from before that is not known."


def short_table(declaration: Declaration, rows: TableRows) -> str:
    """Say of the rows of a training that they hold less time than windows remember; nothing where they hold more."""
    first, last, _ = _seconds(declaration, rows)
    longest = longest_span(declaration)
    if first is None or last is None or last - first >= longest.seconds:
        return ""
    return (
        f"The table holds {_days(last - first)}, and windows of {longest.text} remember more than that: no row sees a whole one."
    )


def _seconds(declaration: Declaration, rows: TableRows) -> tuple[float | None, float | None, int]:
    """Return the first and the last second of some rows, and how many they are."""
    if declaration.time is None:
        raise ValueError("windows need a time")
    moment = event(rows, declaration.time)
    first, last, count = rows.fetch(f"SELECT MIN({moment}), MAX({moment}), COUNT(*) FROM given")[0]
    return first, last, int(count)


def _days(seconds: float) -> str:
    days = seconds / _SECONDS_PER_DAY
    return f"{days:.0f} days" if days >= 2 else f"{seconds / 3_600:.0f} hours"
