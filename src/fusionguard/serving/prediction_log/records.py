"""What a service hands to the prediction log, and how that becomes Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fusionguard.serving.prediction_log.schema import LogLayout

Column: TypeAlias = Sequence[Any] | NDArray[Any] | pa.Array | pa.ChunkedArray

ROWS_A_PIECE = 128
"""Single rows turned into Arrow at a time; it takes a fraction of a millisecond, in which no request is answered."""

UNSTORABLE = (pa.ArrowException, TypeError, ValueError, OverflowError, LookupError)
"""What is raised for a record that does not fit the log's columns."""


class LoggedRow(NamedTuple):
    """The answer to a request of one row; it takes half a microsecond to make.

    Parameters
    ----------
    request_id
        Unique for a request; a retry under the same id is not counted twice.
    time_micros
        When it was answered, in microseconds since 1970-01-01 UTC.
    model_version, origin
        The first 12 digits of the bundle's SHA-256, and the origin of the data it was trained on.
    answer
        The values of the family's ``outputs``, in their order; None where the service did not make one.
    features
        The values of the model features, in their order; where all are numbers, an ``array("d")`` takes half the memory of a
        tuple. Never anything that says who a customer is.
    row
        The row's number in its request, from 0.
    shadow
        Whether a challenger gave this answer, which was not sent.
    event, exact
        By what a history knows the row (:func:`~.events.event_digest`), and whether the state saw all that was before it; None
        where its model reads nothing of that.
    owner
        Which rows are of one owner: a number that the state makes of it with a key of its own; None where nobody knows.
    """

    request_id: str
    time_micros: int
    model_version: str
    origin: str
    answer: Sequence[Any]
    features: Sequence[Any]
    row: int = 0
    shadow: bool = False
    event: str | None = None
    exact: bool | None = None
    owner: int | None = None

    @property
    def rows(self) -> int:
        """Always 1."""
        return 1


class LoggedBatch(NamedTuple):
    """The answer to a request of many rows, by column; the columns must not change after it was handed over.

    Arrays cost the thread that writes microseconds, lists of 10,000 rows some milliseconds in which no request is answered.

    Parameters
    ----------
    request_id, time_micros, model_version, origin, shadow
        As in :class:`LoggedRow`, the same for every row.
    answers
        Columns by name (lists, NumPy or Arrow arrays) or an Arrow table, as ``ScoringModel.answer`` gives it. Of the family's
        ``outputs`` those that are missing stay empty; other columns are not logged.
    features
        The same of the model features, all of them; other columns are not logged.
    first_row
        The number of the first row in its request.
    events, exact, owners
        As in :class:`LoggedRow`, one for each row; empty where the model reads nothing of what was before.
    """

    request_id: str
    time_micros: int
    model_version: str
    origin: str
    answers: Mapping[str, Column] | pa.Table
    features: Mapping[str, Column] | pa.Table
    first_row: int = 0
    shadow: bool = False
    events: Sequence[str | None] = ()
    exact: Sequence[bool | None] = ()
    owners: Sequence[int | None] = ()

    @property
    def rows(self) -> int:
        """The number of rows; columns of unequal lengths are found when the batch is stored."""
        if isinstance(self.features, pa.Table):
            return int(self.features.num_rows)
        return len(next(iter(self.features.values()), ()))


Record: TypeAlias = LoggedRow | LoggedBatch


@dataclass(frozen=True)
class Piece:
    """Some records as Arrow: ``table`` is None where they cannot be stored, and ``why`` says why."""

    rows: int
    table: pa.Table | None
    why: str = ""


def to_pieces(records: Iterable[Record], layout: LogLayout) -> Iterator[Piece]:
    """Yield records as Arrow tables of a part's schema, a few at a time; one that does not fit takes no other with it."""
    waiting: list[LoggedRow] = []
    for record in records:
        if isinstance(record, LoggedRow):
            waiting.append(record)
            if len(waiting) < ROWS_A_PIECE:
                continue
        yield from _rows_pieces(waiting, layout)
        waiting = []
        if isinstance(record, LoggedBatch):
            yield _piece(record.rows, _batch_columns, record, layout)
    yield from _rows_pieces(waiting, layout)


def _rows_pieces(rows: list[LoggedRow], layout: LogLayout) -> Iterator[Piece]:
    if not rows:
        return
    together = _piece(len(rows), _row_columns, rows, layout)
    if together.table is not None or len(rows) == 1:
        yield together
    else:
        yield from (_piece(1, _row_columns, [row], layout) for row in rows)


def _piece(rows: int, columns: Any, content: Any, layout: LogLayout) -> Piece:
    schema, arrays = layout.parts, []
    try:
        for column, field in zip(columns(content, layout), schema, strict=True):
            arrays.append(_array(column, field.type))
        return Piece(rows, pa.Table.from_arrays(arrays, schema=schema))
    except UNSTORABLE as error:  # its text may hold a value of the record: only its type is told
        where = f"its column '{schema.names[len(arrays)]}'" if len(arrays) < len(schema) else "the lengths of its columns"
        return Piece(rows, None, f"A record does not fit the {layout.model} log: {type(error).__name__} in {where}.")


def _row_columns(rows: list[LoggedRow], layout: LogLayout) -> Iterator[Column]:
    request_ids, times, versions, origins, answers, features, numbers, shadows, *past = zip(*rows, strict=True)
    yield from (request_ids, numbers, times, shadows, versions, origins)
    for values, names in ((answers, layout.outputs), (features, layout.features)):
        if {len(each) for each in values} != {len(names)}:
            raise ValueError("a row has not one value for each column")
        yield from zip(*values, strict=True)
    if layout.past:
        yield from past


def _batch_columns(batch: LoggedBatch, layout: LogLayout) -> Iterator[Column]:
    rows = batch.rows
    yield _repeated(batch.request_id, rows)
    yield np.arange(batch.first_row, batch.first_row + rows, dtype=np.int32)
    yield np.full(rows, batch.time_micros, dtype=np.int64)
    yield np.full(rows, batch.shadow, dtype=np.bool_)
    yield from (_repeated(batch.model_version, rows), _repeated(batch.origin, rows))
    given = set(batch.answers.column_names if isinstance(batch.answers, pa.Table) else batch.answers)
    yield from (batch.answers[name] if name in given else pa.nulls(rows) for name in layout.outputs)
    yield from (batch.features[name] for name in layout.features)
    if layout.past:
        yield from (each or pa.nulls(rows) for each in (batch.events, batch.exact, batch.owners))


def _repeated(text: str, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), rows)


def _array(values: Column, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.cast(kind)
    if pa.types.is_floating(kind) or pa.types.is_string(kind):
        return pa.array(values, type=kind)
    return pa.array(values).cast(kind)  # typed at once, 12.5 would silently become 12
