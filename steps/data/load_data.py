"""Raw rows from a source, with their provenance and what they are."""

from __future__ import annotations

import hashlib
from typing import Annotated

from zenml import step

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.described import read_described
from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.features.past_engine import past_engine
from fusionguard.home import find_home


@step
def load_data(
    declaration: str,
    source: str,
    rows: int,
    seed: int,
    fingerprint: str,
    earliest: float = 1.0,
    own_sql: str = "",
    windows: str = "duckdb",
) -> tuple[
    Annotated[Table, "{pipeline}_raw"],
    Annotated[Provenance, "{pipeline}_provenance"],
    Annotated[ResolvedDataset, "{pipeline}_dataset"],
]:
    """Fetch the raw table of a data set.

    Parameters
    ----------
    declaration
        The text of its declaration.
    source
        As ``--source`` takes it; of a data set that does not ship, a path.
    fingerprint
        The source's, so that other content is another cache key.
    earliest
        The share of the rows, by time, that ranges and known values are read from.
    own_sql
        The text of the SQL that the declaration names; nothing where it names none.
    windows
        The engine that finds what windows remember.
    """
    declared = parse_declaration(declaration, sql=own_sql or None)
    name = declared.declaration.name
    # Which categories prepared rows know depends on the share that they were read from: another share, other rows.
    identity = fingerprint if earliest == 1.0 else f"{fingerprint}\n{earliest!r}"
    processed = find_home().processed / name / hashlib.sha256(identity.encode()).hexdigest()[:16]
    engine = past_engine(windows)
    fetched, described = read_described(declared, source, processed, rows=rows, seed=seed, earliest=earliest, engine=engine)
    return fetched.table, fetched.provenance, described
