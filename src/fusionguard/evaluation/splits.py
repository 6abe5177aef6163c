"""The split: four consecutive slices, each with one use; in order of time where rows have one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from fusionguard.config import SplitConfig
from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.cuts import cut, told_of_delay, wanted_places
from fusionguard.evaluation.planned_rows import NEVER, PlannedColumns, PlannedRows
from fusionguard.evaluation.scored import Flags, Integers
from fusionguard.files import json_text

SliceName = Literal["train", "validation", "calibration", "test"]
SLICE_USES: dict[SliceName, str] = {
    "train": "fitting",
    "validation": "the bottleneck's size, and early stopping where it is asked for",
    "calibration": "fusion, calibration and the decision threshold",
    "test": "one final reading",
}


class Slice(BaseModel):
    """Rows ``[start, stop)`` of the feature table, what time they span and how many of them are positive.

    Those whose outcome was not known yet when the test slice begins, or of the test slice when the data ends, are not used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int
    stop: int
    first_second: int | None = None
    """None where rows have no time."""
    last_second: int | None = None
    used_seconds: tuple[int, int] | None = None
    """The first and the last second of the rows that are used, where others are left out."""
    positives: int
    """Of the rows that are used."""
    unknown_rows: int = 0
    """How many rows are left out."""
    known_column: str | None = None
    """The column of the second from which on an outcome was known; None where all of them always were."""
    known_by: int | None = None
    """The second by which it must have been."""

    @property
    def rows(self) -> int:
        """The number of rows that are used."""
        return self.stop - self.start - self.unknown_rows

    def places(self, features: Table) -> Integers:
        """Return the places (rows,) in the feature table of the rows that are used."""
        every = np.arange(self.start, self.stop)
        if not self.unknown_rows or self.known_column is None or self.known_by is None:
            return every
        known = features.read([self.known_column], self.start, self.stop)[self.known_column].combine_chunks()
        flags: Flags = known.fill_null(NEVER).to_numpy(zero_copy_only=False) <= self.known_by
        return every[flags]

    def read(self, features: Table, columns: Sequence[str]) -> pa.Table:
        """Read columns of the rows that are used, in the order of the table; no row outside the slice is touched."""
        rows = features.read(list(columns), self.start, self.stop)
        return rows.take(self.places(features) - self.start) if self.unknown_rows else rows


class SplitPlan(BaseModel):
    """Which rows of a feature table belong to which slice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: PlannedColumns
    train: Slice
    validation: Slice
    calibration: Slice
    test: Slice

    @property
    def timed(self) -> bool:
        """Whether the slices follow each other in time; else they are random, and keep each customer's rows together."""
        return self.columns.time is not None

    @property
    def learned_seconds(self) -> tuple[int, int] | None:
        """The first and the last second of the rows before the test slice; None where rows have no time."""
        first, last = self.train.first_second, self.calibration.last_second
        return None if first is None or last is None else (first, last)

    def holdout_sha256(self, features_sha256: str) -> str | None:
        """Return the identity of the test slice of a feature table with this content; None where seconds tell of it."""
        if self.timed:
            return None
        return hashlib.sha256(json_text([features_sha256, self.test.start, self.test.stop]).encode()).hexdigest()

    def slices(self) -> dict[SliceName, Slice]:
        """Return the four slices by name, in the order of the table."""
        return {"train": self.train, "validation": self.validation, "calibration": self.calibration, "test": self.test}

    def whole(self, features: Table) -> Slice:
        """Return all rows of the table as one slice, but those whose outcome is not known when the data ends."""
        rows = self.columns.read(features)
        return _slice(rows, 0, self.test.stop, rows.end)

    def read_test(self, features: Table, columns: Sequence[str], label: str) -> pa.Table:
        """Read columns of the test slice, the column ``label`` of outcomes last, in the order of the table."""
        return self.test.read(features, [*columns, label])

    def unseen_places(self, features: Table) -> Integers:
        """Return the places of rows that no model of the plan is fitted on and that are like all others.

        Without a time these are the test slice's. With one there is none: that slice holds some hours only, and what hours do to
        scores is more than what fitting does. Of simulated transactions, the last fifth is flagged half as often as the whole,
        fitted rows a sixth more often than new ones.
        """
        return np.arange(0) if self.timed else self.test.places(features)


def plan_split(rows: PlannedRows, config: SplitConfig) -> SplitPlan:
    """Cut the rows of a feature table into four consecutive slices; those of one second, or of one customer, stay in one.

    The cuts lie where the shares of the usable rows say (:func:`wanted_places`). A model is made when its test slice begins: of
    the slices before it, outcomes are used that were known by then, for validation and calibration, too, are read no earlier.
    Where that leaves a slice with fewer than ``ENOUGH_POSITIVES`` positive rows whose outcome was known in time, the cuts move,
    as little as is needed for that many in each; where there are not so many, for as many as go into each.

    Raises
    ------
    DataError
        One customer's rows do not lie together, or there are too few positive rows, or too few that are known in time, for one in
        each slice.
    """
    return told_of_delay(lambda planned: _plan_split(planned, config), rows)


def _plan_split(rows: PlannedRows, config: SplitConfig) -> SplitPlan:
    shares = np.cumsum([config.train, config.validation, config.calibration])
    inner = cut(rows, wanted_places(rows, shares), learning=len(shares))
    if inner is None:
        raise DataError(
            f"The {rows.count:,} rows hold {rows.positives} positive ones, too few or too close together for one among"
            f" other rows in each of the {len(SLICE_USES)} slices ({', '.join(SLICE_USES)}).",
            "Train on rows with more of them, or on simulated ones: `--source simulated --set data.rows=20000` has enough.",
        )
    ends = list(zip(SLICE_USES, pairwise([0, *inner, rows.count]), strict=True))
    made = None if rows.seconds is None else int(rows.seconds[inner[-1]])
    slices = {name: _slice(rows, start, stop, rows.end if name == "test" else made) for name, (start, stop) in ends}
    return SplitPlan(columns=rows.columns, **slices)


def _slice(rows: PlannedRows, start: int, stop: int, known_by: int | None) -> Slice:
    own = rows.take(np.arange(start, stop))
    if rows.seconds is None or own.seconds is None:
        return Slice(start=start, stop=stop, positives=own.positives)
    used = own.known_by(known_by)
    spanned = own.seconds[used]
    return Slice(
        start=start,
        stop=stop,
        first_second=int(own.seconds[0]),
        last_second=int(own.seconds[-1]),
        used_seconds=(int(spanned[0]), int(spanned[-1])) if 0 < spanned.size < own.count else None,
        positives=int(np.count_nonzero(own.label[used])),
        unknown_rows=int(np.count_nonzero(~used)),
        known_column=rows.columns.known,
        known_by=None if rows.known is None else known_by,
    )
