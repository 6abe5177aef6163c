"""What each column alone tells of the label, on rows that were not used to learn it, and where the label and empty cells meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusionguard.datasets.inspection.label import Label
from fusionguard.datasets.inspection.opened_table import ROW, OpenedTable
from fusionguard.datasets.inspection.profile import SEED, Column, Profile

POSITIVES, NEGATIVES = 10_000, 30_000
"""So many rows of each class are looked at, drawn by the hash of their numbers."""
_CELLS = 12_000_000
_TOGETHER = 25
_FEWEST = 20
_QUANTILES = 33
_PRIOR_ROWS = 5.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Relation:
    """What a column has to do with the label.

    Parameters
    ----------
    auc
        The area under the ROC curve of the column alone, its bins or values ordered on half of the sampled rows and judged on
        the other half; None where there are too few positive rows.
    filled_positive, filled_negative
        The number of rows of each class whose cell is filled, among all rows.
    """

    auc: float | None
    filled_positive: int
    filled_negative: int


def relate(table: OpenedTable, profile: Profile, label: Label) -> dict[str, Relation]:
    """Return the relation of each column but the label to it."""
    columns = [column for column in profile.columns if column.name != label.column.name]
    filled = dict(_filled(table, columns, label))
    outcomes = _draw(table, label, len(columns))
    relations = {}
    for batch in _batches(columns):
        chosen = ", ".join(f"{coded(column)} AS v{at}" for at, column in enumerate(batch))
        arrays = table.connection.execute(f'SELECT {chosen} FROM labelled ORDER BY "{ROW}"').fetchnumpy()
        for at, column in enumerate(batch):
            values = np.ma.filled(np.ma.asarray(arrays[f"v{at}"], dtype=np.float64), np.nan)
            relations[column.name] = Relation(alone_auc(values, outcomes, ordered=is_ordered(column)), *filled[column.name])
    table.connection.execute("DROP TABLE labelled")
    return relations


def is_ordered(column: Column) -> bool:
    """Return whether a column's values have an order that means something."""
    return column.form.kind in ("number", "time")


def coded(column: Column) -> str:
    """Return SQL of a column as doubles: numbers, seconds, and of all else a hash, which shows nothing of it."""
    if column.form.kind == "number":
        return f"CASE WHEN isfinite({column.sql}) THEN {column.sql} END"
    if column.form.kind == "time":
        return f"epoch({column.sql})"
    return f"CAST(hash({column.sql_text}) >> 12 AS DOUBLE) * CASE WHEN {column.sql_text} IS NOT NULL THEN 1 END"


def alone_auc(values: Floats, outcomes: NDArray[np.bool_], *, ordered: bool) -> float | None:
    """Return the area under the ROC curve of one column alone, on every second row of a class, with what the others teach of it.

    Ordered values are cut at the quantiles of both classes; others are kept as they are, and what is new counts as average. A
    missing value is one of its own. Of ordered values the plain ranking is tried, too.
    """
    learn = np.zeros(len(values), dtype=np.bool_)
    for side in (outcomes, ~outcomes):
        learn[np.flatnonzero(side)[::2]] = True
    if min(outcomes[learn].sum(), outcomes[~learn].sum(), (~outcomes[learn]).sum(), (~outcomes[~learn]).sum()) < _FEWEST:
        return None
    bins = _bins(values, outcomes, learn) if ordered else _places(values)
    rates = _rates(bins[learn], outcomes[learn], int(bins.max()) + 1)
    best = auc(rates[bins[~learn]], outcomes[~learn])
    present = ~np.isnan(values)
    if ordered and present.any():
        ranked = np.where(present, values, np.median(values[present]))
        direction = 1.0 if auc(ranked[learn], outcomes[learn]) >= 0.5 else -1.0
        best = max(best, auc(direction * ranked[~learn], outcomes[~learn]))
    return best


def auc(scores: Floats, outcomes: NDArray[np.bool_]) -> float:
    """Return the share of pairs of a positive and a negative row in which the positive one scores higher, ties half."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    positives = int(outcomes.sum())
    above = ranks[places][outcomes].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(outcomes) - positives)))


def _places(values: Floats) -> NDArray[np.intp]:
    return np.unique(values, return_inverse=True, equal_nan=True)[1].astype(np.intp)


def _bins(values: Floats, outcomes: NDArray[np.bool_], learn: NDArray[np.bool_]) -> NDArray[np.intp]:
    shares = np.linspace(0, 1, _QUANTILES)
    known = ~np.isnan(values) & learn
    edges = [np.quantile(values[known & side], shares, method="lower") for side in (outcomes, ~outcomes) if (known & side).any()]
    cuts = np.unique(np.concatenate(edges)) if edges else np.zeros(1)
    return np.where(np.isnan(values), 0, 1 + np.searchsorted(cuts, values)).astype(np.intp)


def _rates(bins: NDArray[np.intp], outcomes: NDArray[np.bool_], count: int) -> Floats:
    rows = np.bincount(bins, minlength=count)
    positive = np.bincount(bins, weights=outcomes, minlength=count)
    prior = outcomes.mean()
    rates: Floats = (positive + _PRIOR_ROWS * prior) / (rows + _PRIOR_ROWS)
    return rates


def _batches(columns: Sequence[Column]) -> Iterator[Sequence[Column]]:
    for start in range(0, len(columns), _TOGETHER):
        yield columns[start : start + _TOGETHER]


def _filled(table: OpenedTable, columns: Sequence[Column], label: Label) -> Iterator[tuple[str, tuple[int, int]]]:
    gaps = [column for column in columns if column.missing or column.misfits]
    yield from ((column.name, (label.positives, label.negatives)) for column in columns if not column.missing + column.misfits)
    for batch in _batches(gaps):
        counts = [
            f"count({column.sql if is_ordered(column) else column.sql_text}) FILTER (WHERE {side})"
            for column in batch
            for side in (label.is_positive, label.is_negative)
        ]
        row = table.ask(f"SELECT {', '.join(counts)} FROM {table.relation}")[0]
        for at, column in enumerate(batch):
            yield column.name, (int(row[2 * at]), int(row[2 * at + 1]))


def _draw(table: OpenedTable, label: Label, columns: int) -> NDArray[np.bool_]:
    """Make the table ``labelled`` of sampled rows of both classes, and return which of them are positive, by their numbers."""
    shrink = min(1.0, _CELLS / columns / (POSITIVES + NEGATIVES))
    wanted = (int(POSITIVES * shrink), int(NEGATIVES * shrink))
    chosen = " OR ".join(
        f'({side} AND hash("{ROW}" + {SEED + 1}) % {max(count, 1)} < {most})'
        for side, count, most in zip(
            (label.is_positive, label.is_negative), (label.positives, label.negatives), wanted, strict=True
        )
    )
    table.connection.execute(
        f"CREATE TABLE labelled AS SELECT *, {label.is_positive} AS outcome FROM {table.relation} WHERE {chosen}"
    )
    outcomes = table.connection.execute(f'SELECT outcome FROM labelled ORDER BY "{ROW}"').fetchnumpy()["outcome"]
    return np.asarray(outcomes, dtype=np.bool_)
