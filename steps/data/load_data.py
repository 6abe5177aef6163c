"""Raw rows from a source, with their provenance."""

from __future__ import annotations

import hashlib
from typing import Annotated

from zenml import step

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.resolve_source import read_data
from fusionguard.home import find_home


@step
def load_data(
    dataset: str, source: str, rows: int, seed: int, fingerprint: str
) -> tuple[Annotated[Table, "{pipeline}_raw"], Annotated[Provenance, "{pipeline}_provenance"]]:
    """Fetch the raw table of a data set; ``fingerprint`` is the source's, so that other content is another cache key."""
    folder = find_home().processed / dataset / hashlib.sha256(fingerprint.encode()).hexdigest()[:16]
    fetched = read_data(dataset, source, folder, rows=rows, seed=seed)
    return fetched.table, fetched.provenance
