"""Which models somebody may ask for: those with an alias, the released ones, and the newest of each data set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fusionguard.home import Home
from fusionguard.registry.model_names import model_names
from fusionguard.registry.tracking import sqlite_file
from fusionguard.registry.versions import list_versions
from fusionguard.serving.launch import release_folder
from fusionguard.serving.release import RELEASE, read_release


@dataclass(frozen=True)
class Needed:
    """Models that stay, whatever the retention."""

    bundles: frozenset[str]
    """By the SHA-256 of their bundles."""
    runs: frozenset[str]
    """The runs that made them, by ZenML's names."""

    def holds(self, version: str) -> bool:
        """Tell whether a bundle is among them, by the first digits of its SHA-256."""
        return any(sha256.startswith(version) for sha256 in self.bundles)


def find_needed(home: Home) -> Needed:
    """Ask the registry and every release of the home.

    Raises
    ------
    RegistryError, BundleError
        The registry or a release cannot be read: nothing may be removed then, for nobody knows what is needed.
    """
    released = {about.bundle_sha256 for folder in _releases(home) for about in read_release(folder).models}
    bundles, runs = set(released), set()
    database = sqlite_file(home.mlflow_uri)
    if database is None or database.exists():
        for model in model_names(home):
            versions = list_versions(home, model)
            for version in versions:
                if version.aliases or version.bundle_sha256 in released or version is versions[-1]:
                    bundles.add(version.bundle_sha256)
                    runs.add(version.pipeline_run)
    return Needed(frozenset(bundles), frozenset(runs) - {""})


def _releases(home: Home) -> set[Path]:
    """Return the folders of releases: those of services here, one that is named elsewhere, and those in Bentos."""
    named = os.environ.get("FUSIONGUARD_SERVE_RELEASE")
    folders = {*release_folder(home).parent.glob("[!.]*"), *([Path(named)] if named else [])}
    folders |= {file.parent for file in (home.state / "bentoml" / "bentos").glob(f"*/*/**/{RELEASE}")}
    return {folder for folder in folders if (folder / RELEASE).is_file()}
