"""What one data set's features are: names, types, SQL, and what its raw cells must hold before the SQL may read them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files

from fusionguard.data.contract_suites import CellRule, UniqueRule
from fusionguard.expressions.expression import RowsText, parse_rows
from fusionguard.expressions.tree import RawColumn
from fusionguard.features.told import Told


@dataclass(frozen=True)
class Segmentation:
    """A way to cut the rows into segments that people think in.

    Parameters
    ----------
    name
        What the segments are called together: ``hour of day``.
    expression
        SQL over the feature table that gives a row's segment, as a number or a text.
    names
        Names of those segments that are reported even when they hold no row, by the expression's value.
    column
        The column that the expression reads, where it is of no model feature, too.
    """

    name: str
    expression: str
    names: dict[int | str, str] = field(default_factory=dict)
    column: str = ""


_UNIQUE = UniqueRule("no exact duplicates")


@dataclass(frozen=True)
class FeatureContract:
    """What a table of features must hold besides its columns, a value in each of its cells, and a label of 0 and 1.

    Parameters
    ----------
    cells
        Rules on cells.
    unique
        What tells rows apart.
    order
        The column that never decreases, if any.
    label_share
        The bounds of the share of ones, zeros that were left out included.
    """

    cells: tuple[CellRule, ...] = ()
    unique: UniqueRule = _UNIQUE
    order: str | None = None
    label_share: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class FeatureDefinition:
    """The features of one data set.

    Parameters
    ----------
    dataset
        The data set's name; the SQL of rows defines a view called ``<dataset>_rows``.
    schema_version
        Raised with every change of the meaning of a column that models read.
    label
        The column of outcomes, 0 or 1.
    column_types
        The columns of a training table in order, with their Arrow types; a table for scoring lacks the label and ``row_column``.
    model_features
        What models read, in the order they read it.
    raw
        The columns of the raw table that the SQL of rows may name.
    rows_text
        The SQL of one row of features for one raw row; it reads ``raw``.
    training_set_text
        The SQL of the table that models learn from; it reads :attr:`rows_view`.
    positives, negatives, rows
        What rows are called: ``late shipments``, ``shipments in time``, ``shipments``.
    segmentations
        What the bias report is cut by.
    log_segmentations
        What windows of logged rows are cut by: the expressions read model features alone, for a log has no other columns.
    open_texts
        Those of ``known`` of which other values may come, too: the SQL makes something of them.
    past
        Raw columns of whole numbers that no row has itself: what is remembered of earlier rows.
    gathered
        Those of ``open_texts`` whose other values are one category, ``OTHER``; elsewhere that is a word of the table's own.
    made_of
        Model features that no client sends, with the raw columns that they are computed of: a fault of those is in them, too.
    limits
        Raw numeric columns that the SQL reads, with the range in which a row can be scored.
    known
        Raw text columns that the SQL reads, with the values that are known.
    row_column
        The column of a training table that holds the place of a row in its source, from 0; the engines give it to ``raw`` under
        this name, beside the source's own columns. No model reads it, and a table for scoring lacks it.
    span_column
        The raw column of seconds, from a midnight on, in whose order rows come and along which a large table is cut into spans;
        without one rows have no time, and the table is built in one piece.
    hour_column
        The model feature that tells the hour of the day that a row is of, from 0; a part of a day shows some hours too often.
    contract
        What a table of them must hold before anything is trained on it.
    view
        What the SQL of the training set calls the rows, where that is not ``<dataset>_rows``.
    time_column
        The column of a training table that holds the second of a row, in whose order the table is; None where rows have no time.
    known_column
        The column of a training table that holds the second from which on the label counts as known, empty where that is not
        before the data ends; None where it always was.
    told_column
        The column of a training table that holds the second in which the label itself was told, empty where nobody dates it; None
        where a table dates no labels.
    group_column
        The column of a training table whose rows of one number belong to one customer; None where nobody says.
    amount
        The model feature that is the money which a row is about; None where there is none.
    attributes
        What fairness is reported by: segmentations of a training table.
    words
        What people call a feature; one that is not here has its own name.
    told
        What somebody has written for people about the data set; None where it is made of the words.
    """

    dataset: str
    schema_version: int
    label: str
    column_types: dict[str, str]
    model_features: tuple[str, ...]
    raw: Mapping[str, RawColumn]
    rows_text: str
    training_set_text: str
    positives: str
    negatives: str
    rows: str
    segmentations: tuple[Segmentation, ...]
    log_segmentations: tuple[Segmentation, ...]
    limits: dict[str, tuple[float, float]]
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    open_texts: frozenset[str] = frozenset()
    past: tuple[str, ...] = ()
    gathered: frozenset[str] = frozenset()
    made_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    row_column: str | None = None
    span_column: str | None = None
    hour_column: str | None = None
    contract: FeatureContract = FeatureContract()
    view: str = ""
    time_column: str | None = None
    known_column: str | None = None
    told_column: str | None = None
    group_column: str | None = None
    amount: str | None = None
    attributes: tuple[Segmentation, ...] = ()
    words: dict[str, str] = field(default_factory=dict)
    told: Told | None = None

    @property
    def model_columns(self) -> tuple[str, ...]:
        """The raw columns that model features are made of: what a row must have to be scored, and what is remembered besides."""
        return (*self.limits, *self.known, *self.past)

    @property
    def scored_columns(self) -> tuple[str, ...]:
        """The columns of a table for scoring, in order."""
        only_trained = (self.label, self.row_column, self.known_column, self.told_column, self.group_column)
        return tuple(name for name in self.column_types if name not in only_trained)

    @property
    def rows_view(self) -> str:
        """The name under which the training set's SQL reads the rows."""
        return self.view or f"{self.dataset}_rows"

    @cached_property
    def parsed_rows(self) -> RowsText:
        """``rows_text``, read; raises :class:`ExpressionError` where engines and service would not understand it alike."""
        return parse_rows(self.rows_text, self.raw)

    def sha256(self) -> str:
        """Return the SHA-256 of both SQL texts, so that features made by another definition are never reused."""
        return hashlib.sha256((self.rows_text + self.training_set_text).encode()).hexdigest()


def sql_text(name: str) -> str:
    """Return an SQL text that lies beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
