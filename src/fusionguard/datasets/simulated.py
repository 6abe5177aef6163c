"""Simulated data in the layouts of the data sets that ship, any number of rows from a seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fusionguard.data.ingest import arrow_schema, parquet_writer
from fusionguard.data.provenance import Provenance
from fusionguard.data.schema import DatasetSchema
from fusionguard.data.source import RawData
from fusionguard.data.table import Table
from fusionguard.datasets.shipped import dataset_names, shipped_dataset
from fusionguard.errors import UsageError
from fusionguard.files import atomic_path, sha256_file

SIMULATOR_VERSION = 1
"""Goes up when the same seed gives other rows."""

_ROW_GROUP = 1 << 17


@dataclass(frozen=True)
class SimulatedSource:
    """The simulator as a source: ``rows`` rows from ``seed``."""

    schema: DatasetSchema
    rows: int
    seed: int
    reason: str = "asked for"

    name = "simulated"

    @property
    def description(self) -> str:
        """Rows, seed and why it was chosen."""
        return f"SIMULATED data, {self.rows:,} rows from seed {self.seed} ({self.reason})"

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256 over everything that decides the rows."""
        statistics = shipped_dataset(self.schema.name).statistics()
        identity = f"simulated\n{SIMULATOR_VERSION}\n{self.schema.name}\n{self.rows}\n{self.seed}\n"
        return hashlib.sha256(identity.encode() + statistics).hexdigest()

    def fetch(self, folder: Path) -> RawData:
        """Simulate into ``folder/raw.parquet``."""
        table = simulate(self.schema, self.rows, self.seed, folder / "raw.parquet")
        provenance = Provenance(
            dataset=self.schema.name,
            origin="simulated",
            description=f"simulator version {SIMULATOR_VERSION}, {self.rows:,} rows, seed {self.seed}",
            sha256=sha256_file(table.path),
            rows=table.rows,
        )
        return RawData(table, provenance)


def simulate(schema: DatasetSchema, rows: int, seed: int, destination: Path) -> Table:
    """Write simulated rows to a parquet file, those with a time in its order; the same seed gives the same bytes.

    Memory hardly grows with ``rows``: chunk by chunk is drawn and written.

    Raises
    ------
    UsageError
        A data set without a simulator, fewer than 100 rows, or a negative seed.
    """
    if rows < 100 or seed < 0:
        raise UsageError(f"Cannot simulate {rows} rows from seed {seed}.", "Ask for at least 100 rows, and a seed of 0 or more.")
    if schema.name not in dataset_names():
        known = " and ".join(f"'{name}'" for name in dataset_names())
        raise UsageError(f"There is no simulator for the data set '{schema.name}'.", f"Only {known} can be simulated.")
    columns = arrow_schema(schema)
    batches = shipped_dataset(schema.name).simulate(rows, seed, columns)
    with atomic_path(destination) as temporary, parquet_writer(temporary, columns, schema) as writer:
        for batch in batches:
            writer.write_batch(batch, row_group_size=_ROW_GROUP)
    return Table(destination)
