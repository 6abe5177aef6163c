"""JSON bodies, checked: a fast way for those that are right, and a patient one that says all that is wrong with the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import orjson

from fusionguard.errors import DataError, did_you_mean
from fusionguard.families.request_fields import BAD, ID, Columns, RequestFields
from fusionguard.features.online.state import Event
from fusionguard.json_kinds import kind_of
from fusionguard.serving.problems import MOST_COUNTED, Fault, ProblemError, clip, invalid
from fusionguard.serving.repeats import count_texts, refuse_repeats

_ID = re.compile(r"[A-Za-z0-9._:~-]{1,64}\Z")
ID_EXPECTED = "1 to 64 letters, digits or ._:~-"
_LONGEST_NAME = 60
"""A longer name than this is no misspelling of a column's."""


@dataclass(frozen=True)
class OneRow:
    """A checked row: its prepared ``values`` in their order, the client's name for it or None, and what its past is found by."""

    values: list[Any]
    id: str | int | None
    event: Event | None = None


@dataclass(frozen=True)
class ManyRows:
    """Checked rows as prepared columns (n,), and the client's names for them or None; ``by_column`` as they came."""

    columns: Columns
    ids: Sequence[str] | Sequence[int] | None
    by_column: bool
    id_name: str = ID
    """What those names are called in the answer."""
    events: Sequence[Event] = ()
    """What the past of each is found by, where models read one."""

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
        self._reads = [(field.name, field.read) for field in fields.all]
        self._names = tuple(field.name for field in fields.all)
        self._name_set = frozenset(self._names)
        self._allowed = self._name_set | fields.unread | {ID}
        self._plain, self._choices, self._width = fields.plain, len(fields.choices), len(fields.prepared)

    def read_one(self, body: bytes) -> OneRow:
        """Check the JSON of one row, in which no name may come twice; raises as :meth:`one` and :func:`parse_json` do."""
        content = parse_json(body)
        row = self.one(content)
        named = row.id is not None
        refuse_repeats(body, len(self._names) + self._choices + 2 * named if self._plain else count_texts(body, [content]))
        return row

    def read_many(self, body: bytes, most: int) -> ManyRows:
        """Check the JSON of a batch, in which no name may come twice; raises as :meth:`many` and :func:`parse_json` do."""
        content = parse_json(body)
        rows = self.many(content, most)
        if self._plain:
            named = rows.ids is not None
            names = (len(self._names) + named) * (1 if rows.by_column else rows.rows)
            texts: int | None = 1 + names + (self._choices + named) * rows.rows
        else:
            counted = count_texts(body, [content["columns"]] if rows.by_column else content["rows"])
            texts = None if counted is None else counted + 1
        refuse_repeats(body, texts)
        return rows

    def one(self, content: Any) -> OneRow:
        """Check one row.

        Raises
        ------
        ProblemError
            It is not an object of the fields, or a value is not what its field holds; every fault is told.
        """
        if type(content) is dict:
            row_id = content.get(ID)
            values = self._fast(content)
            if values is not None and (ID not in content or self._names_a_row(row_id)):
                past = self.fields.past
                return OneRow(values, row_id, None if past is None else past.event(content, values))
        raise invalid(self._faults(content, ""))

    def many(self, content: Any, most: int) -> ManyRows:
        """Check a batch: ``{"rows": [{...}, ...]}`` or ``{"columns": {"V1": [...], ...}}``; raises as :meth:`one` does."""
        if type(content) is not dict or len(content) != 1 or next(iter(content)) not in ("rows", "columns"):
            found = kind_of(content) if type(content) is not dict else "other members" if content else "an empty object"
            raise invalid([Fault("$", "an object with 'rows' or 'columns', and nothing else", found)])
        return self._rows(content["rows"], most) if "rows" in content else self._columns(content["columns"], most)

    def _fast(self, content: dict[str, Any]) -> list[Any] | None:
        """Return the prepared values of a row in order, or None where anything is wrong with it."""
        values = []
        for name, read in self._reads:
            value = read(content.get(name))
            if value is BAD:
                return None
            values.append(value)
        if (len(content) != len(values) or not self._plain) and not content.keys() <= self._allowed:
            return None  # as many names as fields that are all required are these
        mixing = self.fields.mixing
        if mixing is not None:
            if mixing.wrong(values) is not None:
                return None
            mixing.mix(values)
        del values[self._width :]
        return values

    def _rows(self, rows: Any, most: int) -> ManyRows:
        if type(rows) is not list:
            raise invalid([Fault("rows", "an array of objects", kind_of(rows))])
        check_count(len(rows), most, "rows")
        with_id = sum(1 for row in rows if type(row) is dict and ID in row)
        if with_id not in (0, len(rows)) or not all(type(row) is dict and row.keys() <= self._allowed for row in rows):
            raise invalid(self._row_faults(rows))
        made = self._made([[row.get(name) for row in rows] for name in self._names])
        ids = [row[ID] for row in rows] if with_id else None
        if made is None or (ids is not None and not all(map(self._names_a_row, ids))):
            raise invalid(self._row_faults(rows))
        check_unique(ids, "rows[{}].id")
        sent = {name: [row.get(name) for row in rows] for name in self.fields.past.columns} if self.fields.past else {}
        return ManyRows(made, ids, by_column=False, events=self._events(sent, made))

    def _columns(self, columns: Any, most: int) -> ManyRows:
        if type(columns) is not dict:
            raise invalid([Fault("columns", "an object of arrays", kind_of(columns))])
        faults = [
            Fault(f"columns.{field.name}", "an array", "nothing")
            for field in self.fields.all
            if field.required and field.name not in columns
        ]
        strangers = (name for name in columns if name not in self._allowed)
        faults += [
            Fault(f"columns.{clip(name)}", self._unknown("column", name), "a column that no model reads")
            for name in islice(strangers, MOST_COUNTED)
        ]
        faults += [
            Fault(f"columns.{name}", "an array", kind_of(values))
            for name, values in columns.items()
            if type(values) is not list and (name in self._name_set or name == ID)
        ]
        if faults:
            raise invalid(faults)
        read = [name for name in columns if name in self._name_set or name == ID]
        if not read:
            raise invalid([Fault("columns", "an array for each field", "an empty object")])
        first = next((name for name in self._names if name in columns), read[0])
        rows = len(columns[first])
        for name in read:
            if len(columns[name]) != rows:
                raise invalid([Fault(f"columns.{name}", f"{rows} values, as in '{first}'", f"{len(columns[name])} values")])
        check_count(rows, most, f"columns.{first}")
        nothing = [None] * rows
        made = self._made([columns.get(name, nothing) for name in self._names])
        ids = columns.get(ID)
        if made is None or (ids is not None and not all(map(self._names_a_row, ids))):
            raise invalid(self._column_faults({name: columns.get(name, nothing) for name in (*self._names, ID)}, ids))
        check_unique(ids, "columns.id[{}]")
        return ManyRows(made, ids, by_column=True, events=self._events(columns, made))

    def _events(self, sent: Mapping[str, Sequence[Any]], made: Columns) -> Sequence[Event]:
        return () if self.fields.past is None else self.fields.past.events(sent, made)

    def _made(self, columns: list[list[Any]]) -> Columns | None:
        """Return the prepared columns of what was sent for each field, or None where a value is not what its field holds."""
        read = []
        for field, values in zip(self.fields.all, columns, strict=True):
            array = field.read_all(values)
            if array is None:
                return None
            read.append(array)
        made, bad = self.fields.mixed(read)
        return None if bad.size else made

    def _names_a_row(self, value: Any) -> bool:
        """Whether a client may call a row so; by a whole number only where that is a column of its table."""
        return (type(value) is str and bool(_ID.match(value))) or (type(value) is int and ID in self.fields.unread)

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

    def _column_faults(self, columns: dict[str, list[Any]], ids: list[Any] | None) -> list[Fault]:
        values = (
            Fault(f"columns.{field.name}[{place}]", field.expected, found)
            for field in self.fields.all
            for place, value in enumerate(columns[field.name])
            if (found := field.wrong(value))
        )
        wrong_ids = (
            Fault(f"columns.id[{place}]", ID_EXPECTED, kind_of(value) if type(value) is not str else "another string")
            for place, value in enumerate(ids or ())
            if not self._names_a_row(value)
        )
        faults = list(islice(chain(values, wrong_ids), MOST_COUNTED))
        if faults or self.fields.mixing is None:
            return faults
        rows = ({name: columns[name][place] for name in self._names} for place in range(len(columns[self._names[0]])))
        mixed = (self._unmixed(row, f"columns.{{}}[{place}]") for place, row in enumerate(rows))
        return list(islice(chain.from_iterable(mixed), MOST_COUNTED))

    def _faults(self, content: Any, at: str) -> list[Fault]:
        """Return all that is wrong with one row."""
        if type(content) is not dict:
            return [Fault(at or "$", "an object", kind_of(content))]
        before = f"{at}." if at else ""
        faults = []
        for field in self.fields.all:
            if field.name not in content:
                if field.required:
                    faults.append(Fault(before + field.name, field.expected, "nothing"))
            elif found := field.wrong(content[field.name]):
                faults.append(Fault(before + field.name, field.expected, found))
        strangers = (name for name in content if name not in self._allowed)
        faults += [
            Fault(before + clip(name), self._unknown("field", name), "a field that no model reads")
            for name in islice(strangers, MOST_COUNTED)
        ]
        if ID in content and not self._names_a_row(content[ID]):
            found = kind_of(content[ID]) if type(content[ID]) is not str else "another string"
            faults.append(Fault(f"{before}{ID}", ID_EXPECTED, found))
        return faults or self._unmixed(content, f"{before}{{}}")

    def _unmixed(self, content: dict[str, Any], path: str) -> list[Fault]:
        """Return what is wrong with the values of a row beside each other; each by itself is right."""
        if self.fields.mixing is None:
            return []
        mixed = self.fields.mixing.wrong([field.read(content.get(field.name)) for field in self.fields.all])
        return [] if mixed is None else [Fault(path.format(mixed[0].name), mixed[0].expected, mixed[1])]

    def _unknown(self, what: str, name: str) -> str:
        return f"no such {what}{near}" if (near := nearest(name, self._names)) else f"no such {what}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return which known name a client may have meant, as the end of a sentence; empty where none is near."""
    near = did_you_mean(name, list(known)).strip() if len(name) <= _LONGEST_NAME else ""
    return f" ({near[0].lower()}{near[1:]})" if near else ""


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
