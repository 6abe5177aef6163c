"""The engines that run the feature SQL: one interface."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from fusionguard.data.table import Table
from fusionguard.errors import FusionGuardError

ENGINE_PACKAGES = {"duckdb": "duckdb", "spark": "pyspark"}
ENGINES = tuple(ENGINE_PACKAGES)


class EngineError(FusionGuardError):
    """An engine that is not installed, cannot be reached, or gave up on its work."""


class Engine(Protocol):
    """What runs the SQL text of one data set's features. Every engine gives the same rows in the same order, to the last bit."""

    @property
    def name(self) -> str:
        """What the engine is called on the command line."""
        ...

    def build(self, raw: Table, destination: Path) -> Table:
        """Write the training set made from ``raw`` as part files into ``destination``, a new folder, and return it.

        ``raw`` must satisfy the contract on raw data: no nulls, finite numbers, a label.
        """
        ...
