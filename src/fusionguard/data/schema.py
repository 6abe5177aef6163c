"""The layout of a raw data set: its columns, types, label, and where Kaggle keeps it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Literal

from fusionguard.data.csv_form import CsvForm

ColumnType = Literal["float", "integer", "text"]


@dataclass(frozen=True)
class DatasetSchema:
    """The layout of a raw data set.

    Parameters
    ----------
    name
        What the project calls it.
    columns
        Column names in the file's order, with their types.
    label
        The column that holds the outcome, 0 or 1.
    kaggle
        The ``owner/name`` of the data set on Kaggle.
    file_name
        The name of the CSV file in Kaggle's layout.
    private
        Columns that say who somebody is: their values never appear in a message, a report or a preview.
    optional
        Columns that a table may lack: no model reads them, and where they are they are kept and checked.
    form
        How a CSV file of it is written.
    numbers
        Columns of texts in which numbers may stand, written as ``form`` says.
    as_stored
        Columns that keep the type which a typed file has for them, where it is a plain one: truth values, numbers, times.
    unread
        Columns that nobody reads: one of a type that is not read, such as lists, holds nulls.
    repeating
        Columns of floats whose values repeat, which are stored as dictionaries; how they are stored makes no other layout.
    """

    name: str
    columns: dict[str, ColumnType]
    label: str
    kaggle: str
    file_name: str
    private: frozenset[str] = field(default_factory=frozenset)
    optional: frozenset[str] = field(default_factory=frozenset)
    form: CsvForm = field(default_factory=CsvForm)
    numbers: frozenset[str] = field(default_factory=frozenset)
    as_stored: frozenset[str] = field(default_factory=frozenset)
    unread: frozenset[str] = field(default_factory=frozenset)
    repeating: frozenset[str] = field(default_factory=frozenset, compare=False)

    def within(self, names: Collection[str]) -> DatasetSchema:
        """Return the layout of a table that has the columns ``names``: this one without the optional columns that it lacks."""
        columns = {name: kind for name, kind in self.columns.items() if name in names or name not in self.optional}
        return replace(self, columns=columns)
