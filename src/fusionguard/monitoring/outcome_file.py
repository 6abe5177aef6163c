"""A file of outcomes of logged rows, in the words of the data set: ``Y`` and ``N`` where that is how its table tells them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv

from fusionguard.errors import DataError
from fusionguard.families.family import LABEL, ModelFamily
from fusionguard.serving.outcome_words import OutcomeWords
from fusionguard.serving.prediction_log.labels import Label
from fusionguard.serving.prediction_log.schema import REQUEST_ID, ROW
from fusionguard.serving.request_ids import EXPECTED, is_request_id

OBSERVED = "observed_at"
"""The column of moments when outcomes became known: with a zone, such as 2026-01-31T12:00:00Z."""

_MOST_NAMED = 3
_LARGEST_ROW = 99_999


@dataclass(frozen=True)
class OutcomeFile:
    """What a file tells: the outcomes, and how many of its rows have none yet."""

    labels: tuple[Label, ...]
    unknown: int


def read_outcome_file(file: Path, family: ModelFamily, *, now: datetime | None = None) -> OutcomeFile:
    """Read a CSV file of outcomes.

    Parameters
    ----------
    file
        Its header has ``request_id``, the outcome under the name of the table's own column or ``label``, and where rows were
        scored in batches ``row``, their place from 0. ``observed_at`` says when an outcome became known.
    family
        Whose rows they are; what its data set calls positive and negative is what the outcomes are told in.
    now
        When outcomes without ``observed_at`` became known; the present by default.

    Raises
    ------
    DataError
        The file cannot be read, lacks a column, or holds a value that means nothing; rows are counted from 1 below the header.
    """
    table, column = _read(file, family)
    words = OutcomeWords.of(family)
    moment = now or datetime.now(UTC)
    labels: list[Label] = []
    faults: list[str] = []
    unknown = 0
    for number, cells in enumerate(table.to_pylist(), start=1):
        if not cells[column].strip():
            unknown += 1
            continue
        label = words.read_cell(cells[column])
        wrong = list(_faults(cells, label, column, words))
        faults += [f"row {number}: {each}" for each in wrong]
        if not wrong and label is not None:
            observed = datetime.fromisoformat(cells[OBSERVED]) if cells.get(OBSERVED) else moment
            place = int(cells.get(ROW) or 0)
            labels.append(Label(cells[REQUEST_ID], place, label, round(observed.timestamp() * 1e6)))
    if faults:
        more = f"; and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
        raise DataError(f"'{file.name}' cannot be taken: {'; '.join(faults[:_MOST_NAMED])}{more}.", "Nothing was stored.")
    return OutcomeFile(tuple(labels), unknown)


def _read(file: Path, family: ModelFamily) -> tuple[pa.Table, str]:
    encoding = "utf-8" if family.declared is None else family.declared.declaration.csv.encoding
    reading = csv.ReadOptions(encoding=encoding)
    try:
        with csv.open_csv(file, read_options=reading) as opened:
            header = opened.schema.names
        options = csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False)
        table = csv.read_csv(file, read_options=reading, convert_options=options)
    except (OSError, UnicodeError, pa.ArrowException) as error:
        wanted = f"Write it with commas and a header, in {encoding.upper()}."
        raise DataError(f"'{file.name}' cannot be read as CSV.", wanted) from error
    own = family.schema.label
    column = own if own in header else LABEL
    absent = [name for name in (REQUEST_ID, column) if name not in header]
    if absent:
        raise DataError(
            f"'{file.name}' lacks the columns {', '.join(absent)}.",
            f"Its header must have {REQUEST_ID}, and the outcome as '{own}' or {LABEL}; {ROW} and {OBSERVED} may come besides.",
        )
    return table, column


def _faults(cells: dict[str, str], label: int | None, column: str, words: OutcomeWords) -> Iterator[str]:
    if not is_request_id(cells[REQUEST_ID]):
        yield f"{REQUEST_ID} must be {EXPECTED}"
    if label is None:
        yield f"'{column}' must be one of {', '.join(sorted(map(str, words.values)))}"
    place = cells.get(ROW) or "0"
    if not (place.isdigit() and int(place) <= _LARGEST_ROW):
        yield f"{ROW} must be a whole number from 0 to {_LARGEST_ROW}"
    if cells.get(OBSERVED) and not _is_moment(cells[OBSERVED]):
        yield f"{OBSERVED} must be a time with a zone, such as 2026-01-31T12:00:00Z"


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
