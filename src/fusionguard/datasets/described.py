"""The raw rows of any data set with what they are: one that ships, from any of its sources, or one that somebody has declared."""

from __future__ import annotations

import logging
from pathlib import Path

from fusionguard.data.source import RawData
from fusionguard.datasets.catalog import find_dataset, is_built_in
from fusionguard.datasets.declared_source import DeclaredSource, source_of
from fusionguard.datasets.reading import DeclaredDataset
from fusionguard.datasets.remembering import PastEngine
from fusionguard.datasets.resolve_source import resolve_source
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.shipped import dataset_schema
from fusionguard.home import find_home

_log = logging.getLogger("fusionguard.source")


def read_described(
    declared: DeclaredDataset,
    source: str,
    folder: Path,
    *,
    rows: int,
    seed: int,
    earliest: float,
    engine: PastEngine | None = None,
) -> tuple[RawData, ResolvedDataset]:
    """Read the rows of a data set into ``folder/raw.parquet``, and return them with what they are.

    Parameters
    ----------
    source
        As ``--source`` takes it.
    rows, seed
        How many rows to simulate, and from which seed; other sources are read whole.
    earliest
        The share of the rows, by time, that ranges and known values are read from.
    engine
        What finds what windows remember; None for DuckDB.

    Raises
    ------
    UsageError
        There is no such source or file.
    DataError
        The rows cannot be read, or are not what is declared.
    """
    if is_built_in(declared.declaration):
        schema = dataset_schema(declared.declaration.problem)
        chosen = resolve_source(source, schema, find_home(), seed=seed, rows=rows)
        _log.info("source: %s", chosen.description)
        raw = chosen.fetch(folder)
        # What these rows must hold is the contract's to say, with a report of all that is wrong.
        return raw, resolve(declared, raw.table, earliest=earliest, strict=False)
    own = source_of(declared, source, rows=rows, seed=seed)
    _log.info("source: %s", own.description)
    raw, described = own.fetch(folder, earliest=earliest, engine=engine)
    if described.repeated_rows:
        _log.warning("%s", _repetitions(described))
    kept, *parted = described.declaration.entities or ("",)
    if parted and described.declaration.time is None:
        _log.warning(
            "Rows of one %s stay together; those of one %s may be learned from and judged by. The first of entities decides.",
            kept,
            " or ".join(parted),
        )
    return raw, described


def _repetitions(described: ResolvedDataset) -> str:
    repeated, share = described.repeated_rows, described.repeated_rows / described.rows
    rows, are = ("1 row", "is") if repeated == 1 else (f"{repeated:,} rows", "are")
    what = (
        f"{rows} ({100 * share:.2f} %) {are} the same as an earlier one in every column, and learned from and judged by as often."
    )
    return f"{what} Keep one of each, or declare an id where they are not the same."


def read_dataset(
    dataset: str, source: str, folder: Path, *, rows: int = 20_000, seed: int = 7, earliest: float = 1.0
) -> tuple[RawData, ResolvedDataset]:
    """Read the rows of a data set that ships, by its name, or of the declaration at a path; see :func:`read_described`."""
    return read_described(find_dataset(dataset), source, folder, rows=rows, seed=seed, earliest=earliest)


def locate(declared: DeclaredDataset, source: str, *, rows: int, seed: int) -> tuple[str, str]:
    """Return where the rows are, as :func:`read_described` takes it from any folder, and the identity of what is there.

    Raises
    ------
    UsageError
        There is no such source or file.
    """
    if is_built_in(declared.declaration):
        schema = dataset_schema(declared.declaration.problem)
        return source, resolve_source(source, schema, find_home(), seed=seed, rows=rows).fingerprint
    own = source_of(declared, source, rows=rows, seed=seed)
    place = str(own.file.resolve()) if isinstance(own, DeclaredSource) else own.name
    return place, own.fingerprint
