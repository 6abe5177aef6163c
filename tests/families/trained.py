"""A small model of every family on every table: trained once for each, by what the family trains with in other tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.config import TrainingConfig
from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.catalog import find_dataset, shipped_name
from fusionguard.datasets.shipped import declared_names
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.report import Report
from fusionguard.families.catalog import family_names
from fusionguard.families.of_bundle import family_of
from fusionguard.families.training_rows import TrainingRows
from fusionguard.models.bundle import Bundle
from tests.foreign import write_payments, write_telco


class Trained(Protocol):
    """A trained model with what it was made of."""

    @property
    def given(self) -> Path:
        """The rows as their owner has them."""

    @property
    def bundle(self) -> Bundle: ...

    @property
    def rows(self) -> TrainingRows: ...

    @property
    def raw(self) -> Table: ...

    @property
    def provenance(self) -> Provenance: ...

    @property
    def config(self) -> TrainingConfig: ...

    @property
    def scores(self) -> pa.Table:
        """What the training left to compare with."""

    @property
    def folds(self) -> CrossValidation | None: ...


def _fraud(dataset: str, folder: Path, source: str) -> Trained:
    from tests.payments import train_fraud

    rows = 60_000 if dataset in declared_names() else 20_000  # a past takes more rows to show
    return train_fraud(dataset, folder, source=source, rows=rows)


def _churn(dataset: str, folder: Path, source: str) -> Trained:
    from tests.telco import train_declared

    return train_declared(Path(dataset), folder, source=source, rows=1_500)


TRAINERS: dict[str, Callable[[str, Path, str], Trained]] = {"fraud": _fraud, "churn": _churn}
"""How each family trains a small model: of a data set's name or declaration, in a folder, from a source."""

SHIPPED = "shipped"
TABLES: dict[str, Callable[[Path], Path]] = {
    "payments": partial(write_payments, timed=True),
    "payments without times": partial(write_payments, timed=False),
    "telco": partial(write_telco, rows=1_500, timed=False),
    "telco with times": partial(write_telco, rows=1_500, timed=True),
}
"""The tables that every family is tried on besides the one that ships for it: what writes the rows and their declaration."""

FIXTURES = {("fraud", "payments"): "payments", ("churn", "telco"): "telco_model"}
"""Those that other tests train, too: they are tried in the short suite."""

PAIRS = [
    pytest.param((kind, table), id=f"{kind} of {table}", marks=() if (kind, table) in FIXTURES else pytest.mark.full)
    for kind in family_names()
    for table in (SHIPPED, *TABLES)
] + [pytest.param((find_dataset(name).declaration.problem, name), id=name, marks=pytest.mark.full) for name in declared_names()]


def train(kind: str, table: str, folder: Path) -> Trained:
    """Train a small model of a family on a table, whose declaration is read as of the family's kind of problem."""
    if table == SHIPPED or table in declared_names():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FUSIONGUARD_HOME", str(folder / "home"))
            return TRAINERS[kind](shipped_name(kind) if table == SHIPPED else table, folder, "simulated")
    declaration = TABLES[table](folder / "source")
    text, found = re.subn(r"(?m)^problem: \w+$", f"problem: {kind}", declaration.read_text())
    assert found == 1
    declaration.write_text(text)
    return TRAINERS[kind](str(declaration), folder, "auto")


def evaluate(trained: Trained, folder: Path) -> Report:
    """Take the final reading, as a run does."""
    file = folder / "scores.parquet"
    pq.write_table(trained.scores, file)
    training = family_of(trained.bundle).training
    return training.evaluate(trained.bundle, trained.rows, Table(file), trained.folds, trained.config)
