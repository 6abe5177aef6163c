"""What a plan asks of rows: their outcome, when they happened, when the outcome was known, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.scored import Flags, Integers
from fusionguard.features.definition import FeatureDefinition

NEVER = int(np.iinfo(np.int64).max)
"""When an outcome is known that is not before the data ends."""


class PlannedColumns(BaseModel):
    """The columns of a feature table that a plan reads; None for what its rows have not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str = "label"
    time: str | None = None
    known: str | None = None
    group: str | None = None

    @classmethod
    def of(cls, definition: FeatureDefinition) -> PlannedColumns:
        """Return the columns of the tables that a definition makes; with a time, rows of one customer may be parted."""
        return cls(
            label=definition.label,
            time=definition.time_column,
            known=definition.known_column,
            group=None if definition.time_column else definition.group_column,
        )

    def read(self, features: Table) -> PlannedRows:
        """Read all rows of a feature table."""
        names = [self.label, self.time, self.known, self.group]
        return self.taken_from(features.read([name for name in names if name is not None]))

    def taken_from(self, table: pa.Table) -> PlannedRows:
        """Return the rows of a table that holds these columns; an empty cell of ``known`` is ``NEVER``."""

        def column(name: str | None) -> Integers | None:
            return None if name is None else table[name].to_numpy().astype(np.int64)

        seconds, known = column(self.time), None
        if self.known is not None and seconds is not None:
            known = table[self.known].combine_chunks().fill_null(NEVER).to_numpy(zero_copy_only=False).astype(np.int64)
        return PlannedRows(table[self.label].to_numpy().astype(np.int8), seconds, known, column(self.group), self)


_NAMELESS = PlannedColumns()


@dataclass(frozen=True)
class PlannedRows:
    """Rows in the order of their table.

    Parameters
    ----------
    label
        (n,) outcomes, 0 or 1.
    seconds
        (n,) when they happened, never falling; None where rows have no time.
    known
        (n,) the seconds from which on the outcomes count as known, ``NEVER`` where that is not before the data ends; None where
        they always were.
    group
        (n,) numbers of customers, whose rows are never parted; None where they may be.
    columns
        What these are called in the table.

    Raises
    ------
    DataError
        The rows are not in order of time.
    """

    label: NDArray[np.int8]
    seconds: Integers | None = None
    known: Integers | None = None
    group: Integers | None = None
    columns: PlannedColumns = _NAMELESS

    def __post_init__(self) -> None:
        if self.seconds is not None and np.any(np.diff(self.seconds) < 0):
            raise DataError("The feature table is not in order of time.", "Build it again with `--no-cache`.")

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.label.size)

    @property
    def positives(self) -> int:
        """How many of them have the outcome 1."""
        return int(np.count_nonzero(self.label))

    @cached_property
    def end(self) -> int | None:
        """The second at which the data ends: the last of a row or of an outcome that is known."""
        if self.seconds is None or not self.count:
            return None
        last = int(self.seconds[-1])
        return last if self.known is None else max(last, int(np.max(self.known, where=self.known < NEVER, initial=last)))

    def known_by(self, second: int | None) -> Flags:
        """Return which outcomes (n,) were known at a second; all of them where nobody says when outcomes are known."""
        if self.known is None or second is None:
            return np.ones(self.count, dtype=np.bool_)
        return self.known <= second

    @property
    def delay(self) -> str:
        """How late outcomes are known, in words, and what to do about it; nothing where they always were."""
        if self.known is None or self.seconds is None:
            return ""
        known = self.known < NEVER
        late = f"outcomes of {np.count_nonzero(~known):,} of {self.count:,} rows are not known before the data ends"
        if not known.any():
            return f"{late} (`label.known`)"
        days = float(np.median((self.known - self.seconds)[known])) / 86_400
        return f"outcomes are known {days:.3g} days after their row (`label.known`), and {late}"

    def take(self, places: NDArray[Any]) -> PlannedRows:
        """Return the rows at some places (m,), or where flags (n,) are true, in their order."""
        seconds, known, group = (None if part is None else part[places] for part in (self.seconds, self.known, self.group))
        return PlannedRows(self.label[places], seconds, known, group, self.columns)

    def table(self) -> pa.Table:
        """Return them as a table that :meth:`PlannedColumns.taken_from` reads."""
        names = (self.columns.label, self.columns.time, self.columns.known, self.columns.group)
        parts = (self.label, self.seconds, self.known, self.group)
        return pa.table({str(name): part for name, part in zip(names, parts, strict=True) if part is not None})


def planned_rows(features: Table, definition: FeatureDefinition) -> PlannedRows:
    """Read what a plan asks of the rows of a feature table, whose columns a definition says."""
    return PlannedColumns.of(definition).read(features)
