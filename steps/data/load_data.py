"""Raw rows from a source, with their provenance."""

from __future__ import annotations

import hashlib
import logging
from typing import Annotated

from zenml import step

from fusionguard.data.provenance import Provenance
from fusionguard.data.schema import dataset_schema
from fusionguard.data.source import resolve_source
from fusionguard.data.table import Table
from fusionguard.home import find_home

_log = logging.getLogger("fusionguard.source")


@step
def load_data(
    dataset: str, source: str, rows: int, seed: int, fingerprint: str
) -> tuple[Annotated[Table, "{pipeline}_raw"], Annotated[Provenance, "{pipeline}_provenance"]]:
    """Fetch the raw table of a data set; ``fingerprint`` is the source's, so that other content is another cache key."""
    home = find_home()
    folder = home.processed / dataset / hashlib.sha256(fingerprint.encode()).hexdigest()[:16]
    chosen = resolve_source(source, dataset_schema(dataset), home, seed=seed, rows=rows)
    _log.info("source: %s", chosen.description)
    fetched = chosen.fetch(folder)
    return fetched.table, fetched.provenance
