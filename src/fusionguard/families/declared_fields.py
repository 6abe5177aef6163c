"""The fields of requests about a declared data set: a client tells its rows as its table has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusionguard.datasets.cells import Marks, Spelling, as_category, as_number
from fusionguard.datasets.declaration import Categorical, Declaration, Numeric, Time
from fusionguard.datasets.declared_values import LARGEST_NUMBER
from fusionguard.datasets.moments import clock_reader, expected_time
from fusionguard.datasets.prepared_names import CLOCK, OTHER, prepared_names
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.families.past_fields import PastFields
from fusionguard.families.request_fields import BAD, Choice, Field, Mixing, Number, RequestFields
from fusionguard.features.definition import FeatureDefinition
from fusionguard.json_kinds import kind_of

_CURRENCY = "a currency's three letters, such as 'EUR'"


@dataclass(frozen=True)
class Measured(Number):
    """A number as its owner writes it: in a text, too, and missing where that is allowed."""

    marks: Marks = field(kw_only=True)
    missing: bool = field(kw_only=True)
    converted: str = field(kw_only=True, default="")
    """The range of what the number becomes, in words, where that is what is bounded."""

    @property
    def required(self) -> bool:
        """Whether it must not be missing."""
        return not self.missing

    @property
    def bounded(self) -> bool:
        """Whether somebody has declared a range."""
        return max(abs(self.low), abs(self.high)) < LARGEST_NUMBER

    @property
    def expected(self) -> str:
        """What the field must hold, in words."""
        number = super().expected if self.bounded else f"a {'whole' if self.whole else 'finite'} number{self.converted}"
        return f"{number}, or null" if self.missing else number

    def read(self, value: Any) -> Any:
        """Return the number; None where it is missing."""
        if self.marks.hide(value):
            return None if self.missing else BAD
        number = as_number(value)
        if number is None or not self.low <= number <= self.high or (self.whole and number % 1):
            return BAD
        return number

    def read_all(self, values: Sequence[Any]) -> NDArray[Any] | None:
        """Return the numbers, NaN where one is missing."""
        return Field.read_all(self, values)

    def column(self, values: Sequence[Any]) -> NDArray[Any]:
        """Return numbers as a column (n,), NaN where one is missing."""
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    def wrong(self, value: Any) -> str:
        """Say what is wrong with a value."""
        if self.read(value) is not BAD:
            return ""
        if self.marks.hide(value):
            return "null" if value is None else "nothing"
        number = as_number(value)
        if number is None:
            return "a text that is no number" if isinstance(value, str) else kind_of(value)
        return "a number out of range" if not self.low <= number <= self.high else "a number with a fraction"


@dataclass(frozen=True)
class Category(Choice):
    """A category as its owner writes it; what becomes of one that is not known is declared."""

    unseen: str
    marks: Marks
    missing: bool
    spelling: Spelling = "text"

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.values)

    @property
    def required(self) -> bool:
        """Whether it must not be missing."""
        return not self.missing

    @property
    def expected(self) -> str:
        """What the field must hold, in words."""
        closed = f"one of {', '.join(repr(value) for value in self.values[:20])}{' and others' if len(self.values) > 20 else ''}"
        told = closed if self.unseen == "refuse" else "a category: a text, a whole number or a boolean"
        return f"{told}, or null" if self.missing else told

    def read(self, value: Any) -> Any:
        """Return the category as models know it; None where it is missing."""
        if self.marks.hide(value):
            return None if self.missing else BAD
        text = as_category(value, self.spelling)
        if text is None:
            return BAD
        if text in self._known:
            return text
        return BAD if self.unseen == "refuse" else OTHER if self.unseen == "other" else None

    def wrong(self, value: Any) -> str:
        """Say what is wrong with a value."""
        if self.read(value) is not BAD:
            return ""
        if self.marks.hide(value):
            return "null" if value is None else "nothing"
        return kind_of(value) if as_category(value) is None else "a category that is not known"


@dataclass(frozen=True)
class Moment(Field):
    """When a row happened, as its owner writes it; features are made of what the clock showed then."""

    time: Time

    @cached_property
    def _clock(self) -> Any:
        return clock_reader(self.time)

    @property
    def expected(self) -> str:
        """What the field must hold, in words."""
        return expected_time(self.time)

    def read(self, value: Any) -> Any:
        """Return the seconds of the clock."""
        seconds = self._clock(value)
        return BAD if seconds is None else seconds

    def wrong(self, value: Any) -> str:
        """Say what is wrong with a value."""
        if self.read(value) is not BAD:
            return ""
        return "a text that is no such time" if isinstance(value, str) else kind_of(value)


@dataclass(frozen=True)
class Currency(Field):
    """The currency of an amount: that of the data set alone where ``only`` is given."""

    only: str | None = None

    @property
    def expected(self) -> str:
        """What the field must hold, in words."""
        return f"'{self.only}'" if self.only else _CURRENCY

    def read(self, value: Any) -> Any:
        """Return the currency."""
        if type(value) is not str or (value != self.only if self.only else not _is_currency(value)):
            return BAD
        return value

    def wrong(self, value: Any) -> str:
        """Say what is wrong with a value."""
        if self.read(value) is not BAD:
            return ""
        return "another string" if isinstance(value, str) else kind_of(value)

    def column(self, values: Sequence[Any]) -> NDArray[Any]:
        """Return currencies as a column (n,)."""
        return np.array(values, dtype=object)


@dataclass(frozen=True)
class Conversion(Mixing):
    """Makes one currency of amounts in several: ``amount``, ``currency`` and ``rate`` are the places of their fields.

    ``limits`` are those of amounts in ``own``, the currency that all become; a row that is in it needs no rate but 1.
    """

    fields: tuple[Field, ...]
    own: str
    amount: int
    currency: int
    rate: int
    limits: tuple[float, float]

    def wrong(self, values: Sequence[Any]) -> tuple[Field, str] | None:
        """Tell of a rate that is missing, is not that of its currency, or makes an amount that is out of range."""
        amount, rate = values[self.amount], values[self.rate]
        unsaid = rate is None or rate != rate
        if values[self.currency] == self.own:
            if not unsaid and rate != 1:
                return self.fields[self.rate], f"another rate than 1 beside {self.own}"
            rate, unsaid = 1.0, False
        if amount is None or amount != amount:
            return None
        if unsaid:
            return self.fields[self.rate], f"nothing beside another currency than {self.own}"
        low, high = self.limits
        return None if low <= amount * rate <= high else (self.fields[self.amount], f"an amount out of range in {self.own}")

    def mix(self, values: list[Any]) -> None:
        """Convert the amount of a row."""
        if values[self.currency] != self.own and values[self.amount] is not None:
            values[self.amount] = values[self.amount] * values[self.rate]

    def mix_columns(self, columns: list[NDArray[Any]]) -> NDArray[np.intp]:
        """Convert the amounts of many rows."""
        amount, foreign, rate = columns[self.amount], columns[self.currency] != self.own, columns[self.rate]
        with np.errstate(over="ignore"):
            converted = np.where(foreign, amount * rate, amount)
        low, high = self.limits
        columns[self.amount] = converted
        outside = ~np.isnan(amount) & ~((converted >= low) & (converted <= high))
        return np.flatnonzero(outside | (~foreign & ~np.isnan(rate) & (rate != 1)))


def _is_currency(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()


def declared_fields(described: ResolvedDataset, features: FeatureDefinition) -> RequestFields:
    """Return the fields of requests about a declared data set, in its raw columns."""
    declaration = described.declaration
    by_prepared: dict[str, Field] = {}
    if declaration.time is not None:
        by_prepared[CLOCK] = Moment(declaration.time.column, declaration.time)
    names = prepared_names(declaration)
    for column, (_, numeric) in declaration.measured.items():
        by_prepared[names[column]] = _measured(declaration, column, numeric, features.limits[names[column]])
    for column, categorical in declaration.categorical.items():
        by_prepared[names[column]] = _category(described, column, categorical)
    told = tuple(name for name in features.model_columns if name not in features.past)
    fields = tuple(by_prepared[name] for name in told)
    past = PastFields.of(declaration, [field.name for field in fields]) if declaration.windows else None
    fields, mixing = _with_money(described, fields)
    if past is not None:
        fields = _with_past(declaration, fields, past)
    unread = frozenset(declaration.columns) - {each.name for each in fields}
    return RequestFields(fields, told, mixing, unread, past)


def _with_past(declaration: Declaration, fields: tuple[Field, ...], past: PastFields) -> tuple[Field, ...]:
    """Add what says when a row happened and whose it is, where that is no feature anyway."""
    time = () if declaration.time is None else (Moment(declaration.time.column, declaration.time),)
    there = {field.name for field in fields}
    return (*fields, *(field for field in (*time, *past.fields) if field.name not in there))


def _measured(declaration: Declaration, column: str, numeric: Numeric, limits: tuple[float, float]) -> Measured:
    whole, marks = declaration.types.get(column) == "integer", Marks.of(numeric.missing_values or ())
    converted, amount = "", declaration.amount
    if amount is not None and column == amount.column and amount.rate_column is not None:
        if numeric.range is not None:
            converted = f", from {limits[0]:.15g} to {limits[1]:.15g} in {amount.currency}"
        limits = (-LARGEST_NUMBER, LARGEST_NUMBER)
    return Measured(column, *limits, whole, marks=marks, missing=numeric.missing == "allow", converted=converted)


def _category(described: ResolvedDataset, column: str, categorical: Categorical) -> Category:
    found = described.categories.get(column)
    known, spelling = ((), "text") if found is None else (found.values, found.spelling)
    marks = Marks.of(categorical.missing_values or ())
    return Category(column, known, categorical.unseen, marks, categorical.missing == "allow", spelling)


def _with_money(described: ResolvedDataset, fields: tuple[Field, ...]) -> tuple[tuple[Field, ...], Mixing | None]:
    """Add what says the currency of amounts, and what converts them."""
    amount = described.declaration.amount
    if amount is None or amount.currency_column is None:
        return fields, None
    if amount.rate_column is None:
        return (*fields, Currency(amount.currency_column, described.currency)), None
    rate = Measured(amount.rate_column, float(np.nextafter(0.0, 1.0)), LARGEST_NUMBER, marks=Marks.of(()), missing=True)
    added = (*fields, Currency(amount.currency_column), rate)
    place = next(place for place, each in enumerate(fields) if each.name == amount.column)
    limits = amount.range or (-LARGEST_NUMBER, LARGEST_NUMBER)
    return added, Conversion(added, str(amount.currency), place, len(fields), len(fields) + 1, limits)
