"""Simulated rows of the data sets that ship, any number of them from a seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fusionguard.data.ingest import arrow_schema, parquet_writer
from fusionguard.data.provenance import Provenance
from fusionguard.data.schema import DatasetSchema
from fusionguard.data.source import RawData
from fusionguard.data.table import Table
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.layout import raw_layout
from fusionguard.datasets.shipped import Simulator, Wanted, dataset_names, declared_names, shipped_dataset, simulator
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
    _check(rows, seed)
    if schema.name not in dataset_names():
        raise _no_simulator(schema.name)
    columns = arrow_schema(schema)
    batches = shipped_dataset(schema.name).simulate(rows, seed, columns)
    with atomic_path(destination) as temporary, parquet_writer(temporary, columns, schema) as writer:
        for batch in batches:
            writer.write_batch(batch, row_group_size=_ROW_GROUP)
    return Table(destination)


def simulate_declared(name: str, wanted: Wanted, destination: Path, truth: Path | None = None) -> Table:
    """Write simulated rows of a data set that ships as a declaration alone; the same request gives the same bytes.

    ``truth`` is a parquet file of what only the simulator knows of the positive rows.

    Raises
    ------
    UsageError
        A data set without such a simulator, fewer than 100 rows, a negative seed, or no row that is left.
    UnknownChoiceError
        A kind to leave out that there is not.
    """
    _check(wanted.rows, wanted.seed)
    made_by = _simulator(name)
    layout = raw_layout(find_dataset(name).declaration, made_by.columns)
    columns = arrow_schema(layout)
    made = made_by.simulate(wanted, columns)
    if not made.rows:
        raise UsageError("No row is left of what is simulated.", "Ask for more rows, or for other days.")
    with atomic_path(destination) as temporary, parquet_writer(temporary, columns, layout) as writer:
        for batch in made.batches:
            writer.write_batch(batch, row_group_size=_ROW_GROUP)
    if truth is not None:
        with atomic_path(truth) as temporary:
            pq.write_table(pa.Table.from_batches([made.truth]), temporary)
    return Table(destination)


def _simulator(name: str) -> Simulator:
    found = simulator(name)
    if found is None:
        raise _no_simulator(name)
    return found


def _check(rows: int, seed: int) -> None:
    if rows < 100 or seed < 0:
        raise UsageError(f"Cannot simulate {rows} rows from seed {seed}.", "Ask for at least 100 rows, and a seed of 0 or more.")


def _no_simulator(name: str) -> UsageError:
    known = ", ".join(f"'{each}'" for each in (*dataset_names(), *declared_names()))
    return UsageError(f"There is no simulator for the data set '{name}'.", f"Only {known} can be simulated.")
