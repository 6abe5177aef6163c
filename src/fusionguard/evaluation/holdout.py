"""How rows are divided: a test slice that is read once, and folds of the rest; in order of time where rows have one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from fusionguard.config import HoldoutConfig
from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.cuts import cut, told_of_delay, wanted_places
from fusionguard.evaluation.fold_counts import fold_counts
from fusionguard.evaluation.group_draws import draw_groups, group_folds
from fusionguard.evaluation.metrics import Labels
from fusionguard.evaluation.planned_rows import PlannedColumns, PlannedRows
from fusionguard.evaluation.scored import Integers
from fusionguard.files import json_text

Fold = tuple[Integers, Integers]
"""Places in the development part: those to fit on, and those to judge on."""

_PARTS_FITTED_FIRST = 2
"""Of folds in order of time, the first is fitted on so many parts; the mean of five then is on four, as without a time."""


def judged_places(folds: Sequence[Fold]) -> Integers:
    """Return the places that folds judge, in order: all of the development part, or the later ones of rows with a time."""
    return np.unique(np.concatenate([places for _, places in folds]))


class HoldoutPlan(BaseModel):
    """Which rows of a feature table are the test slice, and how the others, the development part, are folded.

    Without a time the test slice and the folds are drawn, stratified by the outcome, and each customer is in one of them with all
    rows. With one the test slice is the latest share, and each fold is fitted on the past and judged on what comes next; rows of
    one second stay together, and outcomes that were not known in time are not used.

    The plan holds no list of rows: they follow from the rows and the seed, so that it stays small however many there are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: PlannedColumns
    features_sha256: str
    """SHA-256 of the feature table's content, which the plan is for."""
    rows: int
    positives: int
    test_rows: int
    test_positives: int
    unknown_rows: int = 0
    """How many rows are in neither part: their outcome was not known when the test slice begins, or when the data ends."""
    unknown_positives: int = 0
    test_share: float = Field(gt=0, lt=1)
    folds: int
    repeats: int
    most_folded_rows: int | None = None
    """Folds are of a sample of so many rows of the development part, where it has more; None where they are of all."""
    seed: int

    @property
    def timed(self) -> bool:
        """Whether the test slice and the folds follow each other in time."""
        return self.columns.time is not None

    @property
    def development_rows(self) -> int:
        """How many rows everything is chosen and fitted on."""
        return self.rows - self.test_rows - self.unknown_rows

    @property
    def development_positives(self) -> int:
        """How many of these are positive."""
        return self.positives - self.test_positives - self.unknown_positives

    @property
    def sha256(self) -> str:
        """The identity of the test slice: two plans with the same one held out the same rows."""
        identity = self.model_dump(include={"features_sha256", "test_share", "seed"})
        return hashlib.sha256(json_text(identity).encode()).hexdigest()

    def planned(self, features: Table) -> PlannedRows:
        """Read what the plan asks of the rows of its feature table."""
        return self.columns.read(features)

    def places(self, rows: PlannedRows) -> tuple[Integers, Integers]:
        """Return the places of the development part and of the test slice in the feature table, as :meth:`planned` reads it.

        Raises :class:`DataError` where the rows are those of another table.
        """
        if (rows.count, rows.positives) != (self.rows, self.positives):
            raise DataError("The holdout plan belongs to another feature table.", "Run again with --no-cache.")
        return _parts(rows, self.test_share, self.seed)

    def folded_places(self, rows: PlannedRows) -> Integers:
        """Return the places in the feature table, in order, of the development rows that folds are made of: all, or a sample.

        The sample has the shares of outcomes of the whole, and holds each customer's rows or none where they may not be parted.
        See :meth:`places`.
        """
        development, _ = self.places(rows)
        if self.most_folded_rows is None or development.size <= self.most_folded_rows:
            return development
        part = rows.take(development)
        return development[_stratified(part, self.most_folded_rows / development.size, self.seed)]

    def read_test(self, features: Table, columns: Sequence[str], label: str) -> pa.Table:
        """Read columns of the test slice, the column ``label`` of outcomes last, in the table's order; see :meth:`places`."""
        _, test = self.places(self.planned(features))
        return features.read([*columns, label]).take(test)

    def unseen_places(self, features: Table) -> Integers:
        """Return the places of rows that no model of the plan is fitted on and that are like all others: the test slice."""
        return self.places(self.planned(features))[1]

    def fold_places(self, development: PlannedRows) -> list[Fold]:
        """Return ``folds * repeats`` pairs of places in the rows at :meth:`folded_places`, repeat by repeat.

        Without a time each row is judged once a repeat, and classes keep their shares. With one, the earliest rows are judged by
        no fold, and a row is fitted on only if its outcome was known when the judged rows begin.

        Raises
        ------
        DataError
            There are too few rows of one class.
        """
        if development.seconds is not None:
            return _chained_folds(development, self.folds)
        if development.group is not None:
            return group_folds(development.label, development.group, self.folds, self.repeats, seed=self.seed)
        from sklearn.model_selection import RepeatedStratifiedKFold

        splitter = RepeatedStratifiedKFold(n_splits=self.folds, n_repeats=self.repeats, random_state=self.seed)
        return list(splitter.split(np.zeros(development.count), development.label))


def plan_holdout(rows: PlannedRows, features_sha256: str, config: HoldoutConfig, *, seed: int) -> HoldoutPlan:
    """Plan the test slice and the folds; rows with a time are folded once, many rows less often (:func:`fold_counts`).

    Raises
    ------
    DataError
        There are too few rows of one class, or too few customers with them, for the test slice and every fold, or outcomes are
        known too late.
    """
    return told_of_delay(lambda planned: _plan_holdout(planned, features_sha256, config, seed), rows)


def _plan_holdout(rows: PlannedRows, features_sha256: str, config: HoldoutConfig, seed: int) -> HoldoutPlan:
    config = fold_counts(config, rows.count)
    development, test = (rows.take(places) for places in _parts(rows, config.test, seed))
    plan = HoldoutPlan(
        columns=rows.columns,
        features_sha256=features_sha256,
        rows=rows.count,
        positives=rows.positives,
        test_rows=test.count,
        test_positives=test.positives,
        unknown_rows=rows.count - development.count - test.count,
        unknown_positives=rows.positives - development.positives - test.positives,
        test_share=config.test,
        folds=config.folds,
        repeats=1 if rows.seconds is not None else config.repeats,
        most_folded_rows=config.rows if development.count > config.rows else None,
        seed=seed,
    )
    folded = development if plan.most_folded_rows is None else rows.take(plan.folded_places(rows))
    for outcome, name in ((1, "positive"), (0, "negative")):
        held_out, left = (int(np.count_nonzero(part.label == outcome)) for part in (test, folded))
        if held_out < 1 or left < 2 * config.folds:
            raise _too_few(f"Only {np.count_nonzero(rows.label == outcome):,} rows are {name}", config.folds)
    if plan.timed or rows.group is not None:  # drawn rows have been counted
        _demand_both_classes(folded.label, plan.fold_places(folded), config.folds)
    return plan


def _parts(rows: PlannedRows, share: float, seed: int) -> tuple[Integers, Integers]:
    """Return the places of the development part and of the test slice, each in order."""
    if rows.seconds is not None:
        return _earlier_and_later(rows, share)
    test = _stratified(rows, share, seed)
    return np.setdiff1d(np.arange(rows.count), test), test


def _stratified(rows: PlannedRows, share: float, seed: int) -> Integers:
    """Draw the same share of each class, or of customers with and without a positive row; the places come in order."""
    generator = np.random.default_rng(seed)
    if rows.group is not None:
        return draw_groups(rows.label, rows.group, share, generator)
    drawn = []
    for outcome in (0, 1):
        places = np.flatnonzero(rows.label == outcome)
        drawn.append(generator.permutation(places)[: round(share * places.size)])
    return np.sort(np.concatenate(drawn))


def _earlier_and_later(rows: PlannedRows, share: float) -> tuple[Integers, Integers]:
    found = cut(rows, wanted_places(rows, [1 - share]), learning=1)
    if found is None or rows.seconds is None:
        raise DataError(
            f"The {rows.count:,} rows hold {rows.positives:,} positive ones, too few for one among other rows in a"
            " test slice of the latest rows and before it.",
            "Give the run more rows, or another share, such as --set holdout.test=0.3.",
        )
    known, at_end = rows.known_by(int(rows.seconds[found[0]])), rows.known_by(rows.end)
    every = np.arange(rows.count)
    return np.flatnonzero(known & (every < found[0])), np.flatnonzero(at_end & (every >= found[0]))


def _chained_folds(rows: PlannedRows, folds: int) -> list[Fold]:
    """Return folds that go forward: fit on what was known when the judged rows begin, judge on the next part."""
    parts = folds + _PARTS_FITTED_FIRST
    wanted = np.round(np.arange(_PARTS_FITTED_FIRST, parts) * rows.count / parts).astype(np.int64)
    cuts = cut(rows, wanted, learning=1)
    if cuts is None or rows.seconds is None:
        raise _too_few(f"Only {rows.positives:,} rows before the test slice are positive", folds, " in order of time")
    return [
        (np.flatnonzero(rows.known_by(int(rows.seconds[start]))[:start]), np.arange(start, stop))
        for start, stop in pairwise([*cuts, rows.count])
    ]


def _demand_both_classes(label: Labels, folds: list[Fold], count: int) -> None:
    for places in (places for fold in folds for places in fold):
        if not 0 < np.count_nonzero(label[places]) < places.size:
            raise _too_few("Some fold would hold rows of one class only", count)


def _too_few(what: str, folds: int, how: str = "") -> DataError:
    return DataError(
        f"{what}: too few for a test slice and {folds} folds{how}.",
        "Give the run more rows, or fewer folds, such as --set holdout.folds=3.",
    )
