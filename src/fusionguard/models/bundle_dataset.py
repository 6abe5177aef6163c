"""What a bundle says of the data set that its model was made of."""

from __future__ import annotations

from pathlib import Path

from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.errors import BundleError, DataError
from fusionguard.files import write_text
from fusionguard.models.bundle import Bundle

DATASET = "dataset.json"


def write_dataset(folder: Path, described: ResolvedDataset | None) -> None:
    """Write ``dataset.json`` into the folder of a bundle, where the data set was described."""
    if described is not None:
        write_text(folder / DATASET, described.to_json())


def read_dataset(bundle: Bundle) -> ResolvedDataset | None:
    """Return the data set that a bundle holds; None for a model of one that ships whose bundle is older than descriptions.

    Raises
    ------
    BundleError
        It cannot be read.
    """
    if DATASET not in bundle.manifest.files:
        return None
    try:
        return ResolvedDataset.from_json((bundle.folder / DATASET).read_text(encoding="utf-8"))
    except DataError as error:
        raise BundleError(f"{DATASET} in the bundle '{bundle.folder.name}' cannot be read.", str(error)) from error
