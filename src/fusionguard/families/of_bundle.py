"""The family of a bundle's model, on the data set that it was made of."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from fusionguard.families.catalog import model_family
from fusionguard.families.family import ModelFamily
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_dataset import read_dataset


def family_of(bundle: Bundle) -> ModelFamily:
    """Return the family of a bundle's model, which knows the columns, features and groups of its data set.

    Raises
    ------
    UnknownChoiceError
        There is no such family.
    BundleError
        What the bundle says of its data set cannot be read.
    """
    return _family_of(bundle.folder, bundle.sha256)


@lru_cache(maxsize=64)
def _family_of(folder: Path, sha256: str) -> ModelFamily:
    bundle = Bundle(folder)
    family, described = model_family(bundle.manifest.model), read_dataset(bundle)
    return family if described is None else family.on(described)
