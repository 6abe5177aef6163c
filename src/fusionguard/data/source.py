"""Sources: where raw rows come from, behind one small interface."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table


@dataclass(frozen=True)
class RawData:
    """A raw table and where it came from."""

    table: Table
    provenance: Provenance


class Source(Protocol):
    """A place that raw rows come from."""

    @property
    def name(self) -> str:
        """``kaggle``, ``local`` or ``simulated``."""

    @property
    def description(self) -> str:
        """One line for people: which source this is and why it was chosen."""

    @property
    def fingerprint(self) -> str:
        """The identity of the content, cheap to get: the same text means the same rows."""

    def fetch(self, folder: Path) -> RawData:
        """Write the rows as ``folder/raw.parquet`` and return them with their provenance."""
