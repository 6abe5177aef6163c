"""JSON bodies, checked: a fast way for those that are right, and a patient one that says all that is wrong with the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from math import isfinite
from operator import itemgetter
from typing import Any

import numpy as np
import orjson

from fusionguard.errors import DataError
from fusionguard.families.request_fields import Choice, Columns, Field, RequestFields
from fusionguard.serving.problems import MOST_COUNTED, Fault, ProblemError, clip, invalid, kind_of
from fusionguard.serving.repeats import refuse_repeats

ID = "id"
"""The field by which a client knows its rows: optional, given back as it came, never logged."""

_ID = re.compile(r"[A-Za-z0-9._:~-]{1,64}\Z")
ID_EXPECTED = "1 to 64 letters, digits or ._:~-"

_NUMBERS = frozenset({float, int})


@dataclass(frozen=True)
class OneRow:
    """A checked row: ``values`` in the order of the fields, and the client's name for it or None."""

    values: list[Any]
    id: str | None


@dataclass(frozen=True)
class ManyRows:
    """Checked rows as raw columns (n,), and the client's names for them or None; ``by_column`` as they came."""

    columns: Columns
    ids: Sequence[str] | Sequence[int] | None
    by_column: bool
    id_name: str = ID
    """What those names are called in the answer."""

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(next(iter(self.columns.values())))


def parse_json(body: bytes) -> Any:
    """Return what a body holds; raise :class:`ProblemError` for one that is empty or not JSON (NaN and Infinity are not)."""
    if not body:
        raise ProblemError(400, "empty_body", "The body is empty; expected a JSON object.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        detail = f"The body is not JSON at line {error.lineno}, column {error.colno}: {error.msg.split(':')[0]}."
        raise ProblemError(400, "malformed_json", detail) from None
    except RecursionError:
        raise ProblemError(400, "malformed_json", "The body is nested too deeply.") from None


class RowReader:
    """Reads the rows of one family's requests; raises :class:`DataError` for a field that has the name of clients' ids."""

    def __init__(self, fields: RequestFields) -> None:
        if any(field.name == ID for field in fields.all):
            raise DataError(f"A field is called '{ID}', as clients' names for their rows are.", "Give the column another name.")
        self.fields = fields
        self._numbers, self._choices = fields.numbers, fields.choices
        self._limits = [(field.name, field.low, field.high, field.whole) for field in fields.numbers]
        self._known = [(field.name, frozenset(field.values)) for field in fields.choices]
        self._names = tuple(field.name for field in fields.all)
        self._name_set = frozenset(self._names)
        self._pick = itemgetter(*self._names)

    def read_one(self, body: bytes) -> OneRow:
        """Check the JSON of one row, in which no name may come twice; raises as :meth:`one` and :func:`parse_json` do."""
        row = self.one(parse_json(body))
        refuse_repeats(body, len(self._names) + len(self._choices) + 2 * (row.id is not None))
        return row

    def read_many(self, body: bytes, most: int) -> ManyRows:
        """Check the JSON of a batch, in which no name may come twice; raises as :meth:`many` and :func:`parse_json` do."""
        rows = self.many(parse_json(body), most)
        names = (len(self._names) + (rows.ids is not None)) * (1 if rows.by_column else rows.rows)
        refuse_repeats(body, 1 + names + (len(self._choices) + (rows.ids is not None)) * rows.rows)
        return rows

    def one(self, content: Any) -> OneRow:
        """Check one row.

        Raises
        ------
        ProblemError
            It is not an object of exactly the fields, or a value is not what its field holds; every fault is told.
        """
        row_id = None
        if type(content) is dict:
            values = self._fast(content)
            if ID in content:
                row_id = content[ID]
                if type(row_id) is not str or not _ID.match(row_id):
                    values = None
            if values is not None and len(content) == len(self._names) + (ID in content):
                return OneRow(values, row_id)
        raise invalid(self._faults(content, ""))

    def many(self, content: Any, most: int) -> ManyRows:
        """Check a batch: ``{"rows": [{...}, ...]}`` or ``{"columns": {"V1": [...], ...}}``; raises as :meth:`one` does."""
        if type(content) is not dict or len(content) != 1 or next(iter(content)) not in ("rows", "columns"):
            found = kind_of(content) if type(content) is not dict else "other members" if content else "an empty object"
            raise invalid([Fault("$", "an object with 'rows' or 'columns', and nothing else", found)])
        return self._rows(content["rows"], most) if "rows" in content else self._columns(content["columns"], most)

    def _fast(self, content: dict[str, Any]) -> list[Any] | None:
        """Return the values of a row in order, or None where anything is wrong with them."""
        values = []
        try:
            for name, low, high, whole in self._limits:
                value = content[name]
                kind = type(value)
                if (kind is not float and kind is not int) or not low <= value <= high or (whole and value % 1):
                    return None
                values.append(value)
            for name, known in self._known:
                value = content[name]
                if type(value) is not str or value not in known:
                    return None
                values.append(value)
        except KeyError:
            return None
        return values

    def _rows(self, rows: Any, most: int) -> ManyRows:
        if type(rows) is not list:
            raise invalid([Fault("rows", "an array of objects", kind_of(rows))])
        check_count(len(rows), most, "rows")
        width, with_id = len(self._names), sum(1 for row in rows if type(row) is dict and ID in row)
        if with_id not in (0, len(rows)) or not all(
            type(row) is dict and len(row) == width + (with_id > 0) and self._name_set <= row.keys() for row in rows
        ):
            raise invalid(self._row_faults(rows))
        picked = list(map(self._pick, rows))
        count = len(self._numbers)
        columns: dict[str, list[Any]] = {
            name: list(values) for name, values in zip(self._names, zip(*picked, strict=True), strict=True)
        }
        if not _NUMBERS.issuperset(map(type, chain.from_iterable(columns[name] for name in self._names[:count]))):
            raise invalid(self._row_faults(rows))
        ids = [row[ID] for row in rows] if with_id else None
        made = self._made(columns)
        if made is None or (ids is not None and not all(type(each) is str and _ID.match(each) for each in ids)):
            raise invalid(self._row_faults(rows))
        check_unique(ids, "rows[{}].id")
        return ManyRows(made, ids, by_column=False)

    def _columns(self, columns: Any, most: int) -> ManyRows:
        if type(columns) is not dict:
            raise invalid([Fault("columns", "an object of arrays", kind_of(columns))])
        faults = [Fault(f"columns.{name}", "an array", "nothing") for name in self._names if name not in columns]
        strangers = (name for name in columns if name not in self._name_set and name != ID)
        faults += [
            Fault(f"columns.{clip(name)}", "no such column", "a column that no model reads")
            for name in islice(strangers, MOST_COUNTED)
        ]
        faults += [
            Fault(f"columns.{name}", "an array", kind_of(values))
            for name, values in columns.items()
            if type(values) is not list and (name in self._name_set or name == ID)
        ]
        if faults:
            raise invalid(faults)
        rows = len(columns[self._names[0]])
        for name, values in columns.items():
            if len(values) != rows:
                raise invalid([Fault(f"columns.{name}", f"{rows} values, as in '{self._names[0]}'", f"{len(values)} values")])
        check_count(rows, most, f"columns.{self._names[0]}")
        typed = all(_NUMBERS.issuperset(map(type, columns[field.name])) for field in self._numbers)
        made = self._made(columns) if typed else None
        ids = columns.get(ID)
        if made is None or (ids is not None and not all(type(each) is str and _ID.match(each) for each in ids)):
            raise invalid(self._column_faults(columns))
        check_unique(ids, "columns.id[{}]")
        return ManyRows(made, ids, by_column=True)

    def _made(self, columns: dict[str, list[Any]]) -> Columns | None:
        """Return columns of numbers and known texts as arrays, or None where one is out of its limits."""
        made: Columns = {}
        for field in self._numbers:
            try:
                values = np.array(columns[field.name], dtype=np.float64)
            except OverflowError:
                return None
            if not ((values >= field.low) & (values <= field.high)).all() or (field.whole and (values % 1).any()):
                return None
            made[field.name] = values
        for name, known in self._known:
            texts = columns[name]
            if not all(type(text) is str and text in known for text in texts):
                return None
            made[name] = np.array(texts, dtype=object)
        return made

    def _row_faults(self, rows: list[Any]) -> list[Fault]:
        faults: list[Fault] = []
        some_have_ids = any(type(row) is dict and ID in row for row in rows)
        for number, row in enumerate(rows):
            faults += self._faults(row, f"rows[{number}]")
            if some_have_ids and type(row) is dict and ID not in row:
                faults.append(Fault(f"rows[{number}].id", "an id, as other rows have one", "nothing"))
            if len(faults) >= MOST_COUNTED:
                break
        return faults

    def _column_faults(self, columns: dict[str, list[Any]]) -> list[Fault]:
        values = (
            Fault(f"columns.{field.name}[{place}]", field.expected, found)
            for field in self.fields.all
            for place, value in enumerate(columns[field.name])
            if (found := wrong(field, value))
        )
        ids = (
            Fault(f"columns.id[{place}]", ID_EXPECTED, kind_of(value) if type(value) is not str else "another string")
            for place, value in enumerate(columns.get(ID, ()))
            if type(value) is not str or not _ID.match(value)
        )
        return list(islice(chain(values, ids), MOST_COUNTED))

    def _faults(self, content: Any, at: str) -> list[Fault]:
        """Return all that is wrong with one row."""
        if type(content) is not dict:
            return [Fault(at or "$", "an object", kind_of(content))]
        before = f"{at}." if at else ""
        faults = []
        for field in self.fields.all:
            if field.name not in content:
                faults.append(Fault(before + field.name, field.expected, "nothing"))
            elif found := wrong(field, content[field.name]):
                faults.append(Fault(before + field.name, field.expected, found))
        strangers = (name for name in content if name not in self._name_set and name != ID)
        faults += [
            Fault(before + clip(name), "no such field", "a field that no model reads") for name in islice(strangers, MOST_COUNTED)
        ]
        if ID in content and (type(content[ID]) is not str or not _ID.match(content[ID])):
            found = kind_of(content[ID]) if type(content[ID]) is not str else "another string"
            faults.append(Fault(f"{before}{ID}", ID_EXPECTED, found))
        return faults


def wrong(field: Field, value: Any) -> str:
    """Say what is wrong with a value, without telling the value; empty where nothing is."""
    if isinstance(field, Choice):
        if type(value) is not str:
            return kind_of(value)
        return "" if value in field.values else "another string"
    if type(value) not in _NUMBERS:
        return kind_of(value)
    if not isfinite(value):
        return "a number that is not finite"
    if not field.low <= value <= field.high:
        return "a number out of range"
    return "a number with a fraction" if field.whole and value % 1 else ""


def check_count(rows: int, most: int, path: str) -> None:
    """Refuse no rows and too many."""
    if rows == 0:
        raise invalid([Fault(path, f"1 to {most:,} rows", "none")])
    if rows > most:
        fault = Fault(path, f"1 to {most:,} rows", f"{rows:,} rows")
        raise ProblemError(413, "too_many_rows", f"{path}: expected {fault.expected}, found {fault.found}.", [fault])


def check_unique(ids: Iterable[str | int] | None, path: str) -> None:
    """Refuse ids that occur twice; ``path`` has a place for the row's number."""
    if ids is None:
        return
    first: dict[str | int, int] = {}
    faults = []
    for place, each in enumerate(ids):
        if first.setdefault(each, place) != place:
            faults.append(Fault(path.format(place), "an id of its own", f"the id of row {first[each]}"))
    if faults:
        raise invalid(faults)
