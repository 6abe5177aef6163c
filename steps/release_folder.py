"""What a run leaves for people: the model's folder with its bundle, card, reports and plots."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fusionguard.families.of_bundle import family_of
from fusionguard.files import atomic_folder, link_or_copy
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle


class Release(BaseModel):
    """Where a model's files for people are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bundle: Path
    card: Path


def keep_release(home: Home, bundle: Bundle, files: Mapping[str, bytes], tables: Mapping[str, Path]) -> Release:
    """Write the folder of a model version, whole or not at all.

    Parameters
    ----------
    files
        Contents, by their path within the folder.
    tables
        Files of rows, likewise: they get a second name, so that their rows lie on the disk once.
    """
    target = home.models / f"{family_of(bundle).model}-{bundle.version}"
    with atomic_folder(target) as folder:
        shutil.copytree(bundle.folder, folder / "bundle")
        for name, content in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        for name, table in tables.items():
            link_or_copy(table, folder / name)
    return Release(bundle=Bundle.open(target / "bundle").folder, card=target / "model_card.md")
