"""The fields of a request: what a client tells of a row, in its own columns, and the values that features are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from fusionguard.data.schema import DatasetSchema
from fusionguard.features.definition import FeatureDefinition
from fusionguard.json_kinds import kind_of

if TYPE_CHECKING:
    from fusionguard.families.past_fields import PastFields

ID = "id"
"""The field by which a client knows its rows: optional, given back as it came, never logged."""

Columns = dict[str, NDArray[Any]]
"""Columns (n,) of the values that features are made of, by name: float64 for numbers, object for texts, in which NaN and None are
what is missing; what :attr:`RequestFields.prepared` names, no more and no less."""

BAD: Final = object()
"""What :meth:`Field.read` returns for a value that is not what the field holds."""

_NUMBERS = frozenset({float, int})


@dataclass(frozen=True)
class Field(ABC):
    """A column of a client's row.

    Parameters
    ----------
    name
        What the client calls it.
    """

    name: str

    @property
    def required(self) -> bool:
        """Whether a row must have it, and something in it."""
        return True

    @property
    @abstractmethod
    def expected(self) -> str:
        """What the field must hold, in words."""

    @abstractmethod
    def read(self, value: Any) -> Any:
        """Return what a value means: a number or a text, None for one that is missing; ``BAD`` for what the field cannot hold."""

    @abstractmethod
    def wrong(self, value: Any) -> str:
        """Say what is wrong with a value, without telling the value; empty where nothing is."""

    def read_all(self, values: Sequence[Any]) -> NDArray[Any] | None:
        """Return what values (n,) mean; None where one of them is wrong."""
        found = [self.read(value) for value in values]
        return None if any(value is BAD for value in found) else self.column(found)

    def column(self, values: Sequence[Any]) -> NDArray[Any]:
        """Return values that were read as a column (n,)."""
        return np.array(values, dtype=np.float64)


@dataclass(frozen=True)
class Number(Field):
    """A field that holds a finite number in ``[low, high]``; ``whole`` for one without a fraction."""

    low: float
    high: float
    whole: bool = False

    @property
    def expected(self) -> str:
        """What the field must hold, in words."""
        return f"a {'whole' if self.whole else 'finite'} number from {self.low:.15g} to {self.high:.15g}"

    def read(self, value: Any) -> Any:
        """Return the number."""
        kind = type(value)
        if (kind is not float and kind is not int) or not self.low <= value <= self.high or (self.whole and value % 1):
            return BAD
        return value

    def read_all(self, values: Sequence[Any]) -> NDArray[Any] | None:
        """Return the numbers."""
        if not _NUMBERS.issuperset(map(type, values)):
            return None
        try:
            numbers = np.array(values, dtype=np.float64)
        except OverflowError:
            return None
        return numbers if self.holds(numbers).all() else None

    def holds(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which of some numbers (n,) the field may hold."""
        right = (numbers >= self.low) & (numbers <= self.high)
        if self.whole:
            with np.errstate(invalid="ignore"):
                right &= np.nan_to_num(numbers % 1) == 0
        return np.asarray(right)

    def wrong(self, value: Any) -> str:
        """Say what is wrong with a value."""
        if type(value) not in _NUMBERS:
            return kind_of(value)
        if not isfinite(value):
            return "a number that is not finite"
        if not self.low <= value <= self.high:
            return "a number out of range"
        return "a number with a fraction" if self.whole and value % 1 else ""


@dataclass(frozen=True)
class Choice(Field):
    """A field that holds one of some texts."""

    values: tuple[str, ...]

    @property
    def expected(self) -> str:
        """What the field must hold, in words."""
        return "one of " + ", ".join(f"'{value}'" for value in self.values)

    def read(self, value: Any) -> Any:
        """Return the text."""
        return value if type(value) is str and value in self.values else BAD

    def wrong(self, value: Any) -> str:
        """Say what is wrong with a value."""
        if type(value) is not str:
            return kind_of(value)
        return "" if value in self.values else "another string"

    def column(self, values: Sequence[Any]) -> NDArray[Any]:
        """Return texts as a column (n,)."""
        return np.array(values, dtype=object)


class Mixing(ABC):
    """Makes one prepared value of several fields, such as the money of an amount, its currency and a rate."""

    @abstractmethod
    def wrong(self, values: Sequence[Any]) -> tuple[Field, str] | None:
        """Return the field that is wrong beside what the others of a row hold, and what is found there; None where none is.

        ``values`` are those that were read, in the order of the fields.
        """

    @abstractmethod
    def mix(self, values: list[Any]) -> None:
        """Put the value that is made of a row's values in its place among them; :meth:`wrong` finds nothing in them."""

    @abstractmethod
    def mix_columns(self, columns: list[NDArray[Any]]) -> NDArray[np.intp]:
        """Do the same with columns (n,), NaN and None where something is missing; return the rows that :meth:`wrong` tells of."""


@dataclass(frozen=True)
class RequestFields:
    """The fields of one family's requests.

    Parameters
    ----------
    all
        Those of the prepared columns in the order of the definition's ``model_columns``, then those that only mix into one, then
        those that only say whose past a row has.
    prepared
        The names of the prepared columns, as many as are made of the first fields.
    mixing
        What makes one value of several fields; None where each is a column of its own.
    unread
        Columns that a client's table has besides: they may be sent, and nobody looks at them.
    past
        What makes the events that a past is looked up for, where models read one.
    """

    all: tuple[Field, ...]
    prepared: tuple[str, ...]
    mixing: Mixing | None = None
    unread: frozenset[str] = frozenset()
    past: PastFields | None = None

    @classmethod
    def of(cls, schema: DatasetSchema, features: FeatureDefinition) -> RequestFields:
        """Return a field for each raw column that the features are made of; what else the data set has is not among them."""
        numbers = (
            Number(name, low, high, whole=schema.columns[name] == "integer") for name, (low, high) in features.limits.items()
        )
        choices = (Choice(name, known) for name, known in features.known.items())
        return cls((*numbers, *choices), features.model_columns)

    @property
    def numbers(self) -> tuple[Number, ...]:
        """The fields of numbers."""
        return tuple(field for field in self.all if isinstance(field, Number))

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The fields of texts that are known."""
        return tuple(field for field in self.all if isinstance(field, Choice))

    @property
    def plain(self) -> bool:
        """Whether every row tells every field, nothing else, and texts that are known: then it has so many quotation marks."""
        return all(type(field) in (Number, Choice) for field in self.all) and not self.unread

    def row(self, content: Mapping[str, Any]) -> list[Any]:
        """Return what models read of a row that was checked and has no past: the prepared values in their order, then nothing."""
        values = [field.read(content.get(field.name)) for field in self.all]
        if self.mixing is not None:
            self.mixing.mix(values)
        return values[: len(self.prepared)] + [None] * len(self.past_names)

    def columns(self, content: Mapping[str, Any]) -> Columns:
        """Return the same as columns of length 1."""
        values = self.row(content)
        own = {name: field.column([value]) for name, field, value in zip(self.prepared, self.all, values, strict=False)}
        return own | {name: np.array([np.nan]) for name in self.past_names}

    @property
    def past_names(self) -> tuple[str, ...]:
        """The prepared columns of what is remembered, which no client tells."""
        return () if self.past is None else self.past.names

    def mixed(self, columns: list[NDArray[Any]]) -> tuple[Columns, NDArray[np.intp]]:
        """Return prepared columns of what was read of each field (n,), in their order, and the rows that cannot be mixed."""
        bad = np.empty(0, dtype=np.intp) if self.mixing is None else self.mixing.mix_columns(columns)
        return dict(zip(self.prepared, columns, strict=False)), bad
