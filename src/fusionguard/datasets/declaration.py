"""What a data set's columns mean: roles, label, time, money, and what is private. Everything else is derived from the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from fusionguard.data.schema import ColumnType
from fusionguard.datasets import declared_values as kinds
from fusionguard.datasets.durations import duration_seconds
from fusionguard.datasets.expressions import Expression, parse_expression

VERSION = 1
"""The version of the format that this code writes; older ones are upgraded, newer ones refused (``upgrade.py``)."""

Place = tuple[str | int, ...]
"""Where something stands in a declaration: its keys, and its position in a list, from outside to inside."""

CalendarFeature = Literal["hour_of_day", "day_of_week", "day_of_month", "month", "weekend", "night"]


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _short(key: str) -> BeforeValidator:
    """Let a text stand for a mapping with this one key, and nothing for an empty mapping."""

    def expand(value: Any) -> Any:
        return {key: value} if isinstance(value, str) else {} if value is None else value

    return BeforeValidator(expand)


class Time(_Declared):
    """When a row happened. With it, rows are cut into chronological slices; a data set without it is cut into folds."""

    column: kinds.ColumnName
    zone: kinds.Zone | None = None
    """The time zone of times that name none themselves; UTC where nothing is said."""
    unit: Literal["days", "seconds", "milliseconds", "microseconds", "nanoseconds"] | None = None
    """Of numbers; texts, timestamps, and numbers with a format have none."""
    since: Literal["epoch", "start"] = "epoch"
    """What numbers count from: 1970, or midnight of a first day whose date nobody knows."""
    format: kinds.TimeFormat | None = None
    """How texts are written, or whole numbers such as 20240131; ISO 8601 where nothing is said."""
    range: kinds.Range | None = None
    """Of numbers: a time outside is refused."""
    ordered: kinds.Flag = False
    """Whether a file whose times ever decrease is refused."""
    observed: kinds.ColumnName | None = None
    """The column, written as the time is, that says when a row arrived; windows see it from then on. Empty: at once."""

    @model_validator(mode="after")
    def _agrees(self) -> Time:
        if self.unit and self.format:
            raise ValueError("it has a unit, of numbers, and a format, of texts; one of them must go")
        if self.since == "start" and not self.unit:
            raise ValueError("it counts from a start, and lacks the unit in which it counts")
        if self.since == "start" and self.zone:
            raise ValueError("it counts from a start without a date, and so can have no zone")
        if self.range and not self.unit:
            raise ValueError("its range needs a unit: only numbers have one")
        return self


class Numeric(_Declared):
    """A number that models read."""

    label: kinds.Words | None = None
    """What the column is called in reasons and reports."""
    unit: kinds.Words | None = None
    range: kinds.Range | None = None
    """What lies outside is refused; without it, the range of the training rows is written down, and refuses nothing."""
    missing: Literal["refuse", "allow"] = "refuse"
    missing_values: kinds.Cells | None = None
    """What stands where nothing is known, besides an empty cell: ``n/a``, -999."""


class Amount(Numeric):
    """The money that a row is about, which models read, too.

    One ``currency``, or a ``currency_column``. Where that holds several, ``rate_column`` says what one unit of the row's currency
    is worth in ``currency``; without it, several are refused.
    """

    column: kinds.ColumnName
    currency: kinds.Currency | None = None
    currency_column: kinds.ColumnName | None = None
    rate_column: kinds.ColumnName | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Amount:
        if self.rate_column and not (self.currency_column and self.currency):
            raise ValueError("its rate_column needs a currency_column and the currency into which rates convert")
        return self


class Known(_Declared):
    """How long it takes until a label can be known: a column that holds the moment, or a delay after the row's time."""

    column: kinds.ColumnName | None = None
    format: kinds.KnownFormat | None = None
    """How that column is written where it is not as the rows' own time is; ``iso`` for ISO 8601."""
    after: kinds.Duration | None = None

    @model_validator(mode="after")
    def _either(self) -> Known:
        if (self.column is None) == (self.after is None):
            raise ValueError("it must have either a column or after, a duration")
        if self.format and self.column is None:
            raise ValueError("its format needs a column that is written so")
        return self


class Label(_Declared):
    """The outcome: which of its values are positive, and when it is known."""

    column: kinds.ColumnName
    positive: kinds.Cells | None = None
    """The values that mean yes; 1 or true where the column holds nothing else than these and 0 or false."""
    negative: kinds.Cells | None = None
    """The values that mean no; every other one where nothing is said."""
    missing: Literal["refuse", "leave_out"] = "refuse"
    """What becomes of a training row without a label."""
    known: Known | None = None
    """At once, where nothing is said."""
    share: kinds.Range | None = None
    """The bounds of the share of positive rows, weighted to the real prior; a file outside them is refused."""

    @model_validator(mode="after")
    def _agrees(self) -> Label:
        if both := [value for value in self.positive or () if value in (self.negative or ())]:
            raise ValueError(f"{both[0]} is both positive and negative")
        if self.share and not 0 <= self.share[0] <= self.share[1] <= 1:
            raise ValueError("its share must lie between 0 and 1")
        return self


class Categorical(_Declared):
    """A column of categories that models read."""

    label: kinds.Words | None = None
    values: kinds.Cells | None = None
    """The known ones; those of the training rows where nothing is said."""
    unseen: Literal["other", "refuse", "missing"] = "other"
    """What becomes of a value that is not known."""
    missing: Literal["refuse", "allow"] = "refuse"
    missing_values: kinds.Cells | None = None
    """What stands where nothing is known, besides an empty cell: ``?``, 99."""


class Derived(_Declared):
    """A number that is computed from columns of the same row, and that models read."""

    formula: kinds.Formula
    label: kinds.Words | None = None

    @property
    def tree(self) -> Expression:
        """The formula, read."""
        return parse_expression(self.formula)


class Band(_Declared):
    """A numeric column cut into bands that people think in; no model reads them."""

    column: kinds.ColumnName
    edges: kinds.Edges
    """Where bands begin; the first is open below, the last above."""
    names: tuple[kinds.Words, ...] | None = None
    """One more than edges."""
    label: kinds.Words | None = None
    missing_values: kinds.Cells | None = None
    """What stands in the column where nothing is known, if no model reads it; else the numeric column says so."""

    @model_validator(mode="after")
    def _agrees(self) -> Band:
        if self.names is not None and len(self.names) != len(self.edges) + 1:
            raise ValueError(f"its {len(self.edges)} edges make {len(self.edges) + 1} bands, and it has {len(self.names)} names")
        return self


class Windows(_Declared):
    """What is remembered of an entity's rows before the present one."""

    spans: Annotated[tuple[kinds.Span, ...], AfterValidator(kinds.filled), AfterValidator(kinds.differing)]
    of: Annotated[tuple[kinds.Aggregate, ...], AfterValidator(kinds.filled), AfterValidator(kinds.differing)]

    @property
    def span_seconds(self) -> tuple[int, ...]:
        """The spans in seconds."""
        return tuple(duration_seconds(span) for span in self.spans)


_A_WEEK = "7d"


class Validation(_Declared):
    """Folds in time that judge models as they are used: learn from days, wait until outcomes are known, judge the days after.

    ``{}`` means all that is said here.
    """

    folds: kinds.Count = 4
    """Each is so much earlier than the one before as days are judged."""
    train: kinds.LearnedDays = "7d"
    """How many days are learned from, or ``all`` that there are."""
    wait: kinds.Days | None = None
    """How long it takes until their outcomes are known; as ``label.known`` says, where nothing is said."""
    test: kinds.SomeDays = "7d"
    """How many days are judged."""
    blocked: kinds.BlockedDays | None = None
    """How long before the wait a positive row whose outcome is known keeps its owner from being judged, or ``all``: however long.
    Where nothing is said, a week, and where a column dates outcomes, however long."""
    k: kinds.Count = 100
    """How many owners are looked at on a day."""
    by: kinds.Identifier | None = None
    """The entity that is looked at, once until it is found; the first one where nothing is said."""
    until: Literal["test", "end"] = "test"
    """Where the judged days end: before the test slice, which is then read once and by nothing else, or with the data."""

    @property
    def learned_days(self) -> int | None:
        """How many days are learned from; None for all."""
        return None if self.train == kinds.ALL_DAYS else whole_days(self.train)

    def blocked_days(self, known: Known | None) -> int | None:
        """Return how many days before the wait an outcome blocks an owner, as outcomes are known; None for all."""
        dated = known is not None and known.column is not None
        blocked = self.blocked or (kinds.ALL_DAYS if dated else _A_WEEK)
        return None if blocked == kinds.ALL_DAYS else whole_days(blocked)


def whole_days(text: str) -> int:
    """Return the days of a duration, a part of one as a whole."""
    return -(-duration_seconds(text) // kinds.SECONDS_PER_DAY)


class OwnFeature(_Declared):
    """A number that the data set's own SQL adds, and that models read."""

    label: kinds.Words | None = None


class OwnSql(_Declared):
    """SQL beside the declaration that adds features, in the dialect that DuckDB and Spark share."""

    rows: kinds.FileName
    features: Annotated[dict[kinds.Identifier, Annotated[OwnFeature, _short("label")]], Field(min_length=1)]


class Csv(_Declared):
    """How CSV files of the rows are written, where they are."""

    separator: Literal[",", ";", "\t", "|"] | None = None
    """Of columns; where nothing is said, the one that the file shows."""
    decimal: Literal[".", ","] = "."
    """What begins the decimals of a number."""
    thousands: Literal[",", ".", " ", "'"] | None = None
    """What stands between thousands, where something does."""
    signs: kinds.Signs = ()
    """What stands before or behind numbers and is left out, such as a currency's sign."""
    encoding: Literal["utf-8", "windows-1252"] = "utf-8"
    """Of the text; what Excel saves as CSV on Windows is often of the latter."""

    @model_validator(mode="after")
    def _agrees(self) -> Csv:
        if self.thousands == self.decimal:
            raise ValueError("its decimal and thousands are the same sign")
        return self


class Sampling(_Declared):
    """Rows that were left out of the table before anybody saw it."""

    negatives_kept: Annotated[kinds.Number, Field(gt=0, le=1)] = 1.0
    """The share of the negative rows that is there."""


class Declaration(_Declared):
    """A data set, declared. What is optional and left out is derived from the rows, or does not exist."""

    version: Literal[1]
    name: kinds.DatasetName
    problem: kinds.DatasetName
    """The family of models that this is a problem for."""
    rows: kinds.FileName | None = None
    """The file of rows, or a pattern of files, beside the declaration; a run may name another source."""
    csv: Csv = Csv()
    """How its CSV files are written."""
    kaggle: kinds.Words | None = None
    """Where Kaggle keeps the rows: ``owner/name``."""
    simulated: kinds.Flag = False
    """Whether a simulator made the rows."""
    id: kinds.ColumnName | None = None
    """Tells the rows apart: carried through, never learned from."""
    time: Annotated[Time, _short("column")] | None = None
    amount: Annotated[Amount, _short("column")] | None = None
    label: Annotated[Label, _short("column")]
    entities: dict[kinds.Identifier, kinds.EntityColumns] = {}
    """Who or what has a history, with the column that says which: ``card: card_token``, or the columns that do together:
    ``card_at_shop: [card_token, merchant_id]``. Without a time, rows of the first stay
    together; of several they do not, for merchants join all cards to one lump that cannot be divided."""
    numeric: dict[kinds.ColumnName, Annotated[Numeric, _short("label")]] = {}
    categorical: dict[kinds.ColumnName, Annotated[Categorical, _short("label")]] = {}
    derived: dict[kinds.Identifier, Annotated[Derived, _short("formula")]] = {}
    calendar: Annotated[tuple[CalendarFeature, ...], AfterValidator(kinds.differing)] = ()
    """What models read of the time."""
    bands: dict[kinds.Identifier, Band] = {}
    protected: kinds.Columns = ()
    """Columns or bands by which fairness is reported; a feature only where one is declared as such, too."""
    private: kinds.Columns = ()
    """Columns whose values are never shown, logged or learned."""
    ignored: kinds.Columns = ()
    """Columns that nobody reads."""
    optional: kinds.Columns = ()
    """Columns that a table may lack."""
    unique: kinds.Columns = ()
    """Columns, besides the id, in which no value is there twice."""
    types: dict[kinds.ColumnName, ColumnType] = {}
    """Types where those that would be derived are not right, such as texts of digits: ``float``, ``integer`` or ``text``."""
    windows: dict[kinds.Identifier, Windows] = {}
    without_history: Literal["refuse", "score"] = "refuse"
    """What a service does with rows whose past it cannot look up now: refuse them, or score them as those of which nothing is
    known."""
    sampling: Sampling = Sampling()
    sql: OwnSql | None = None
    validation: Validation | None = None
    """Folds that judge models as they are used; without it, the test slice alone does."""

    def mentions(self) -> Iterator[tuple[str, Place]]:
        """Yield each column that has a role of its own, with the place that gives it; ``optional`` and such give none."""
        if self.id is not None:
            yield self.id, ("id",)
        if self.time is not None:
            yield self.time.column, ("time", "column")
            if self.time.observed is not None:
                yield self.time.observed, ("time", "observed")
        if self.amount is not None:
            for key in ("column", "currency_column", "rate_column"):
                if (column := getattr(self.amount, key)) is not None:
                    yield column, ("amount", key)
        yield self.label.column, ("label", "column")
        if self.label.known is not None and self.label.known.column is not None:
            yield self.label.known.column, ("label", "known", "column")
        yield from ((column, ("entities", entity)) for entity in self.entities for column in self.columns_of(entity))
        yield from ((column, ("numeric", column)) for column in self.numeric)
        yield from ((column, ("categorical", column)) for column in self.categorical)
        yield from ((column, ("ignored", at)) for at, column in enumerate(self.ignored))

    def columns_of(self, entity: str) -> tuple[str, ...]:
        """Return the columns that say who or what an entity is, together."""
        columns = self.entities[entity]
        return (columns,) if isinstance(columns, str) else columns

    @property
    def entity_columns(self) -> tuple[str, ...]:
        """The columns of all entities, each once."""
        return tuple(dict.fromkeys(column for entity in self.entities for column in self.columns_of(entity)))

    @property
    def owner(self) -> str | None:
        """The entity whose rows belong together: the one that validation goes by, or the first."""
        named = None if self.validation is None else self.validation.by
        return named or next(iter(self.entities), None)

    @property
    def measured(self) -> dict[str, tuple[Place, Numeric]]:
        """The columns of numbers that models read, the amount among them, each with its place."""
        numbers: dict[str, tuple[Place, Numeric]] = {name: (("numeric", name), each) for name, each in self.numeric.items()}
        return numbers if self.amount is None else {**numbers, self.amount.column: (("amount",), self.amount)}

    @property
    def only_banded(self) -> dict[str, tuple[Place, Numeric]]:
        """The columns of numbers that no model reads and bands cut, each with the place of the first that does."""
        numbers: dict[str, tuple[Place, Numeric]] = {}
        for name, band in self.bands.items():
            if band.column not in self.measured:
                place, found = numbers.get(band.column, (("bands", name), Numeric(missing="allow")))
                marks = tuple(dict.fromkeys((*(found.missing_values or ()), *(band.missing_values or ())))) or None
                numbers[band.column] = place, found.model_copy(update={"missing_values": marks})
        return numbers

    @property
    def missing_values(self) -> dict[str, tuple[kinds.Scalar, ...]]:
        """By column, what stands where nothing is known, besides an empty cell."""
        numbers = {name: each.missing_values for name, (_, each) in (*self.measured.items(), *self.only_banded.items())}
        categories = {name: each.missing_values for name, each in self.categorical.items()}
        return {name: values for name, values in {**numbers, **categories}.items() if values}

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the table that the declaration names, each once."""
        named = [column for column, _ in self.mentions()]
        reported = [column for column in self.protected if column not in self.bands]
        return tuple(dict.fromkeys((*named, *reported, *self.private, *self.unique)))

    @property
    def banded(self) -> frozenset[str]:
        """The columns that are cut into bands, and so hold numbers, whether models read them or not."""
        return frozenset(band.column for band in self.bands.values())

    @property
    def features(self) -> tuple[str, ...]:
        """What models read of a row itself, in the order in which they read it; windows come besides."""
        amount = () if self.amount is None else (self.amount.column,)
        own = () if self.sql is None else tuple(self.sql.features)
        return (*self.numeric, *amount, *self.calendar, *self.derived, *own, *self.categorical)
