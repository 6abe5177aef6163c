"""What faults are looked for in: rows of the window in order of time beside rows of the reference, raw columns alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from fusionguard.evaluation.scored import Floats, Integers
from fusionguard.features.definition import FeatureDefinition
from fusionguard.monitoring.distributions import as_numbers
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.sketch import Sketch

_LASTS = 0.95
"""What goes on up to this share of the window's rows lasts: where it ends is known to a few blocks."""
_BLOCKS = 100


@dataclass(frozen=True)
class Column:
    """A raw column in both samples; of a category, the place of each value among the known ones.

    Parameters
    ----------
    name
        The column.
    before, now
        (m,) and (n,) float64 of the reference and of the window, NaN for no value.
    is_category
        Whether the numbers are places of categories, whose order means nothing.
    values
        Of a category, how many values are told apart; the place behind them stands for all others.
    words
        What people call the column; empty where that is its name.
    """

    name: str
    before: Floats
    now: Floats
    is_category: bool
    values: int = 0
    words: str = ""

    @property
    def title(self) -> str:
        """What people call the column."""
        return self.words or self.name


@dataclass(frozen=True)
class Evidence:
    """Both samples.

    Parameters
    ----------
    columns
        By name, the columns that a client sends; what is computed of them follows them in every fault.
    micros
        (n,) int64, when the window's rows were answered, as microseconds since 1970, never falling; empty where nobody knows.
    hours
        The hour of the day that rows tell, of those that tell one; None where there is no such column.
    """

    columns: dict[str, Column]
    micros: Integers
    hours: Column | None = None

    @property
    def numbers(self) -> list[Column]:
        """The numeric columns."""
        return [column for column in self.columns.values() if not column.is_category]

    def without(self, rows: NDArray[np.bool_]) -> Evidence:
        """Return the evidence without some rows (n,) of the window."""
        kept = ~rows
        columns = {name: replace(column, now=column.now[kept]) for name, column in self.columns.items()}
        hours = None if self.hours is None else replace(self.hours, now=self.hours.now[kept])
        return Evidence(columns, self.micros[kept] if self.micros.size else self.micros, hours)

    def moment(self, row: int) -> datetime | None:
        """Return when a row of the window was answered."""
        return datetime.fromtimestamp(int(self.micros[row]) / 1e6, UTC) if self.micros.size else None

    def since(self, row: int) -> str:
        """Say since when, where that is not since the window began."""
        moment = self.moment(row)
        return "" if moment is None or row == 0 else f" since {moment:%Y-%m-%d %H:%M} UTC"

    def during(self, first: int, last: int) -> str:
        """Say the same of rows [first, last), and until when, where so many came after them that it has ended."""
        if last >= _LASTS * self.micros.size:
            return self.since(first)
        until = f"{self.moment(last - 1):%Y-%m-%d %H:%M} UTC"
        return f" until {until}" if first == 0 else f" from {self.moment(first):%Y-%m-%d %H:%M} to {until}"


def gather(sketch: Sketch, reference: Reference) -> Evidence | None:
    """Put the samples side by side; None where the reference has no rows but a profile alone."""
    if reference.sample is None:
        return None
    order = np.argsort(sketch.micros, kind="stable") if sketch.micros.size else np.arange(sketch.sample.num_rows)
    features = reference.family.features
    columns = {}
    for name in sent_features(features):
        category = reference.categories.get(name)
        before, now = (as_numbers(table[name], category) for table in (reference.sample, sketch.sample))
        if np.isnan(before).all():
            continue  # nobody knows what its values are like
        if np.array_equal(now, now.astype(np.float32), equal_nan=True):
            before = before.astype(np.float32).astype(np.float64)  # values that came in single precision meet their like
        values = 0 if category is None else len(category.single)
        columns[name] = Column(name, before, now[order], category is not None, values, features.words.get(name, ""))
    hours = None
    hour = features.hour_column
    if hour is not None:
        before, now = (as_numbers(table[hour], None) for table in (reference.sample, sketch.sample))
        hours = Column(hour, before[~np.isnan(before)], np.nan_to_num(now[order], nan=0.0), is_category=False)
    return Evidence(columns, sketch.micros[order] if sketch.micros.size else sketch.micros, hours)


def stretch(marks: Floats) -> tuple[int, int]:
    """Return the rows [i, j), between ends of a hundred blocks of equal size, whose mean of ``marks`` (n,) stands out most.

    The scan statistic of a changed segment: the between-groups sum of squares (Levin and Kline, "The cusum test of homogeneity",
    Statistics in Medicine 4, 1985); a change that lasts to the window's end, or began before it, is a special case.
    """
    total = np.concatenate([[0.0], np.cumsum(marks - marks.mean())])
    ends = np.unique(np.linspace(0, marks.size, min(_BLOCKS, marks.size) + 1).astype(np.int64))
    length = (ends[None, :] - ends[:, None]).astype(np.float64)
    inside = total[ends][None, :] - total[ends][:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = inside**2 / (length * (1 - length / marks.size))
    weight[~((length > 0) & (length < marks.size) & (inside > 0))] = -1.0
    first, last = np.unravel_index(int(np.argmax(weight)), weight.shape)
    return (int(ends[first]), int(ends[last])) if weight.max() > 0 else (0, marks.size)


def sent_features(features: FeatureDefinition) -> tuple[str, ...]:
    """Return the model features that a client sends as they are: neither computed of others nor read off the clock."""
    return tuple(name for name in features.model_features if name not in features.made_of and name != features.hour_column)
