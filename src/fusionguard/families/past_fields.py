"""What a request tells of a row so that its past can be looked up: whose it is, when it happened, and how much it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusionguard.datasets.cells import Marks, as_category
from fusionguard.datasets.declaration import Declaration, Time
from fusionguard.datasets.declared_values import Scalar
from fusionguard.datasets.durations import duration_seconds
from fusionguard.datasets.history import HUNDREDTHS, LARGEST_HUNDREDTHS, entities_of, memories, numbers_of
from fusionguard.datasets.moments import instant_reader
from fusionguard.families.request_fields import BAD, ID, Columns, Field
from fusionguard.features.online.state import Event, declared_event
from fusionguard.json_kinds import kind_of


@dataclass(frozen=True)
class Key(Field):
    """What a row is called, or whose it is; null where nobody knows.

    Parameters
    ----------
    hidden
        What stands where nothing is known, besides an empty cell.
    """

    hidden: tuple[Scalar, ...] = ()

    @cached_property
    def _marks(self) -> Marks:
        return Marks.of(self.hidden)

    @property
    def required(self) -> bool:
        """Whether it must not be missing: it may be."""
        return False

    @property
    def expected(self) -> str:
        """What the field must hold, in words."""
        return "a text, a whole number or a boolean, or null"

    def read(self, value: Any) -> Any:
        """Return the very text that a table's cell is read as; None where there is none."""
        if self._marks.hide(value):
            return None
        text = as_category(value)
        return BAD if text is None else text

    def wrong(self, value: Any) -> str:
        """Say what is wrong with a value."""
        return kind_of(value) if self.read(value) is BAD else ""

    def column(self, values: Sequence[Any]) -> NDArray[Any]:
        """Return texts as a column (n,)."""
        return np.array(values, dtype=object)


@dataclass(frozen=True)
class PastFields:
    """Makes events of rows that were checked.

    Parameters
    ----------
    declaration
        The data set's, which has windows.
    numbers
        The columns whose numbers are remembered, each with the place of its value among the prepared ones.
    names
        The prepared columns of what is remembered, in the order in which models read them.
    """

    declaration: Declaration
    numbers: tuple[tuple[str, int], ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, declaration: Declaration, columns: Sequence[str]) -> PastFields:
        """Return those of a declaration; ``columns`` are the raw ones of the prepared values, in their order."""
        plan = memories(declaration)
        numbers = tuple((column, columns.index(column)) for column in numbers_of(plan))
        return cls(declaration, numbers, tuple(each.name for each in plan))

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields of entities, and that of the declared id, where clients do not call their rows by that anyway."""
        columns = [*self._entity_columns, *([] if self.id_column in (None, ID) else [str(self.id_column)])]
        return tuple(self._key(column) for column in dict.fromkeys(columns))

    @property
    def id_column(self) -> str | None:
        """The column that tells events apart, where one is declared."""
        return self.declaration.id

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that events are made of, beside numbers."""
        own = () if self.id_column is None else (self.id_column,)
        return tuple(dict.fromkeys((self._time.column, *self._entity_columns, *own)))

    def event(self, content: Mapping[str, Any], values: Sequence[Any]) -> Event:
        """Return the event of a row; its id is empty where the row does not tell the declared one.

        Parameters
        ----------
        content
            The row as it was sent: :attr:`columns` of it are read.
        values
            Its prepared values.
        """
        return self._event(content, [values[place] for _, place in self.numbers])

    def events(self, content: Mapping[str, Sequence[Any]], values: Columns) -> list[Event]:
        """Return the events of many rows, given as columns (n,): what was sent, and the prepared ones in their order."""
        names = [name for name in self.columns if name in content]
        prepared = list(values.values())
        numbers = zip(*(prepared[place].tolist() for _, place in self.numbers), strict=True)
        rows = zip(*(content[name] for name in names), strict=True)
        return [self._event(dict(zip(names, row, strict=True)), next(numbers) if self.numbers else ()) for row in rows]

    def _event(self, content: Mapping[str, Any], numbers: Sequence[Any]) -> Event:
        second = floor(self._instant(content[self._time.column]))
        keys = {entity: read(content) for entity, read in self._keys}
        hundredths = {column: _hundredths(number) for (column, _), number in zip(self.numbers, numbers, strict=True)}
        told = None if self._read_id is None else self._read_id(content.get(str(self.id_column)))
        known = None if self._known_seconds is None else second + self._known_seconds
        return Event("" if told is None else declared_event(told), second, keys, hundredths, known)

    @cached_property
    def _entities(self) -> dict[str, tuple[str, ...]]:
        return {entity: self.declaration.columns_of(entity) for entity in entities_of(memories(self.declaration))}

    @property
    def _entity_columns(self) -> tuple[str, ...]:
        return tuple(column for columns in self._entities.values() for column in columns)

    @cached_property
    def _keys(self) -> tuple[tuple[str, Callable[[Mapping[str, Any]], str | None]], ...]:
        return tuple((entity, self._reader(columns)) for entity, columns in self._entities.items())

    def _reader(self, columns: Sequence[str]) -> Callable[[Mapping[str, Any]], str | None]:
        """Return what reads an entity's text of a row, as the history's SQL does (:func:`entity_text`)."""
        reads = [(column, self._key(column).read) for column in columns]
        if len(reads) == 1:
            alone, read_alone = reads[0]
            return lambda content: read_alone(content.get(alone))

        def together(content: Mapping[str, Any]) -> str | None:
            texts = [read(content.get(column)) for column, read in reads]
            if any(text is None for text in texts):
                return None
            return "".join([*(f"{len(text)}:{text}" for text in texts[:-1]), texts[-1]])

        return together

    def _key(self, column: str) -> Key:
        return Key(column, self.declaration.missing_values.get(column, ()))

    @cached_property
    def _read_id(self) -> Callable[[Any], Any] | None:
        return None if self.id_column is None else self._key(self.id_column).read

    @cached_property
    def _time(self) -> Time:
        if self.declaration.time is None:
            raise ValueError("windows need a time")
        return self.declaration.time

    @cached_property
    def _instant(self) -> Callable[[Any], Any]:
        return instant_reader(self._time)

    @cached_property
    def _known_seconds(self) -> int | None:
        """How many seconds after a row its outcome counts, where that is declared."""
        known = self.declaration.label.known
        return None if known is None or known.after is None else duration_seconds(known.after)


def _hundredths(number: float | None) -> int | None:
    """Return a number in whole hundredths, as the history's SQL has it; None for None and NaN."""
    if number is None or number != number:
        return None
    return floor(min(max(number * float(HUNDREDTHS) + 0.5, -float(LARGEST_HUNDREDTHS)), float(LARGEST_HUNDREDTHS)))
