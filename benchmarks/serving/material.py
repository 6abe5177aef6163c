"""What is served and asked: the files that :mod:`benchmarks.serving.models` makes, without the libraries that made them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import fresh_environment, measure, python

Row = dict[str, Any]


@dataclass(frozen=True)
class Material:
    """A release of both champions, and rows that no model has seen, as requests have them."""

    folder: Path

    @property
    def release(self) -> Path:
        """The folder that the service loads."""
        return self.folder / "release"

    @property
    def fraud_bundle(self) -> Path:
        """The fraud model in it."""
        return self.release / "fraud-champion"

    @property
    def transactions_file(self) -> Path:
        """Where the transactions are."""
        return self.folder / "transactions.json"

    @property
    def frauds_file(self) -> Path:
        """Where the frauds among more such transactions are: the rows that are likely to be flagged."""
        return self.folder / "frauds.json"

    @property
    def customers_file(self) -> Path:
        """Where the customers are."""
        return self.folder / "customers.json"

    def transactions(self) -> list[Row]:
        """Return transactions in the order in which they were made: later than all that the model was trained on."""
        return read_rows(self.transactions_file)

    def frauds(self) -> list[Row]:
        """Return frauds, later than all that the model's trees were trained on."""
        return read_rows(self.frauds_file)

    def customers(self) -> list[Row]:
        """Return customers."""
        return read_rows(self.customers_file)


def make_material(folder: Path, trees: int) -> Material:
    """Train both models on simulated rows, in a process of its own: what measures later is a small one."""
    folder.mkdir(parents=True, exist_ok=True)
    measure(python("-m", "benchmarks.serving.models", folder, str(trees)), environment=fresh_environment(folder))
    return Material(folder)


def read_rows(file: Path) -> list[Row]:
    """Return the rows of a file."""
    rows: list[Row] = json.loads(file.read_bytes())
    return rows
