"""How customers are divided: a test slice that is read once, and repeated stratified folds of the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from fusionguard.config import HoldoutConfig
from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.metrics import Labels
from fusionguard.evaluation.scored import Integers
from fusionguard.files import json_text

Fold = tuple[Integers, Integers]
"""Places in the development part: those to fit on, and those to judge on."""


class HoldoutPlan(BaseModel):
    """Which customers of a feature table are the test slice, and how the others are folded.

    The plan holds no list of rows: they follow from the labels and the seed, so that it stays small however many there are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    features_sha256: str
    """SHA-256 of the feature table's content, which the plan is for."""
    rows: int
    churners: int
    test_rows: int
    test_churners: int
    test_share: float = Field(gt=0, lt=1)
    folds: int
    repeats: int
    seed: int

    @property
    def development_rows(self) -> int:
        """How many customers everything is chosen and fitted on."""
        return self.rows - self.test_rows

    @property
    def sha256(self) -> str:
        """The identity of the test slice: two plans with the same one held out the same customers."""
        identity = self.model_dump(include={"features_sha256", "test_share", "seed"})
        return hashlib.sha256(json_text(identity).encode()).hexdigest()

    def places(self, label: Labels) -> tuple[Integers, Integers]:
        """Return the places of the development part and of the test slice in the table whose labels (n,) are given.

        Raises :class:`DataError` where the labels are those of another table.
        """
        if (label.size, int(label.sum())) != (self.rows, self.churners):
            raise DataError("The holdout plan belongs to another feature table.", "Run again with --no-cache.")
        test = _test_places(label, self.test_share, self.seed)
        return np.setdiff1d(np.arange(label.size), test), test

    def read_test(self, features: Table, columns: Sequence[str], label: str) -> pa.Table:
        """Read columns of the test slice, the column ``label`` of outcomes last, in the table's order; see :meth:`places`."""
        rows = features.read([*columns, label])
        _, test = self.places(rows[label].to_numpy().astype(np.int8))
        return rows.take(test)

    def unseen_places(self, label: Labels) -> Integers:
        """Return the places of rows that no model of the plan is fitted on and that are like all others: the test slice."""
        return self.places(label)[1]

    def fold_places(self, development_label: Labels) -> list[Fold]:
        """Return ``folds * repeats`` pairs of places in the development part, repeat by repeat; classes keep their shares."""
        from sklearn.model_selection import RepeatedStratifiedKFold

        splitter = RepeatedStratifiedKFold(n_splits=self.folds, n_repeats=self.repeats, random_state=self.seed)
        return list(splitter.split(np.zeros(development_label.size), development_label))


def plan_holdout(label: Labels, features_sha256: str, config: HoldoutConfig, *, seed: int) -> HoldoutPlan:
    """Plan the test slice and the folds for customers with these labels (n,).

    Raises
    ------
    DataError
        There are too few customers of one class for the test slice and every fold.
    """
    test = _test_places(label, config.test, seed)
    plan = HoldoutPlan(
        features_sha256=features_sha256,
        rows=label.size,
        churners=int(label.sum()),
        test_rows=test.size,
        test_churners=int(label[test].sum()),
        test_share=config.test,
        folds=config.folds,
        repeats=config.repeats,
        seed=seed,
    )
    for name, whole, held_out in (
        ("left", plan.churners, plan.test_churners),
        ("stayed", plan.rows - plan.churners, plan.test_rows - plan.test_churners),
    ):
        if held_out < 1 or whole - held_out < 2 * config.folds:
            raise DataError(
                f"Only {whole:,} customers {name}: too few for a test slice and {config.folds} folds.",
                "Give the run more rows, or fewer folds, such as --set holdout.folds=3.",
            )
    return plan


def _test_places(label: Labels, share: float, seed: int) -> NDArray[np.int64]:
    """Draw the same share of each class; the places come in order."""
    generator = np.random.default_rng(seed)
    drawn = []
    for outcome in (0, 1):
        places = np.flatnonzero(label == outcome)
        drawn.append(generator.permutation(places)[: round(share * places.size)])
    return np.sort(np.concatenate(drawn))
