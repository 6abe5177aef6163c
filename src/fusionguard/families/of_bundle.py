"""The family of a bundle's model, on the data set that it was made of."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from fusionguard.datasets.history_words import HistoryWords
from fusionguard.families.catalog import model_family
from fusionguard.families.family import ModelFamily
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_dataset import read_dataset
from fusionguard.models.bundle_profile import training_medians


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


def history_words(bundle: Bundle) -> HistoryWords | None:
    """Return what tells a model's features of what happened before; None where it reads none."""
    family = family_of(bundle)
    if family.declared is None or not family.features.past:
        return None
    return HistoryWords(family.declared, family.row_words, training_medians(bundle))
