"""The bundle: a model as a folder of native files whose SHA-256 are checked at load. It needs neither MLflow nor pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from fusionguard.data.provenance import Origin
from fusionguard.errors import BundleError
from fusionguard.files import sha256_file, write_json

MANIFEST = "MANIFEST.json"
FORMAT = 1
EVALUATED = "evaluated_"
"""Stands before the name of a file that a refit has replaced: it is of the model that the final reading was taken of."""
_REMEDY = "Use another version of the model, or train it again with run.py."


class BundleManifest(BaseModel):
    """What a bundle holds and what it was made from; nothing in it depends on when, where or on which engine it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    model: str
    origin: Origin
    source_sha256: str
    features_sha256: str
    """SHA-256 of the feature table's content."""
    negative_sampling_rate: float
    feature_schema_version: int
    train_range_seconds: tuple[int, int] | None = None
    """First and last second of every row that any fit has seen (train, validation and calibration) before the final reading."""
    holdout_sha256: str | None = None
    """Of rows without a time axis: the SHA-256 of what names those that no fit had seen before the final reading, the same for
    the same rows."""
    refitted_rows: int | None = None
    """How many rows the model was fitted on anew after the final reading, the test slice among them. What such a fit replaced is
    in the bundle, too (:meth:`Bundle.file`); every other fact here stands for that. Null where the model is as it was read."""
    seed: int
    config: dict[str, Any]
    files: dict[str, str]
    """SHA-256 by file name."""


@dataclass(frozen=True)
class Bundle:
    """A model's folder; make one with :meth:`open`, which checks it, or :meth:`seal`, which completes it."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> Bundle:
        """Check every file of a bundle against its manifest.

        Raises
        ------
        BundleError
            There is no manifest, it is of another format, or a file is missing, altered or not listed.
        """
        bundle = cls(folder)
        for name, expected in bundle.manifest.files.items():
            file = folder / name
            if Path(name).name != name or file.is_symlink():
                raise BundleError(f"The bundle '{folder.name}' lists '{name}', which is not a plain file of its own.", _REMEDY)
            if not file.is_file():
                raise BundleError(f"The bundle '{folder.name}' lacks {name}.", _REMEDY)
            if sha256_file(file) != expected:
                raise BundleError(
                    f"{name} in the bundle '{folder.name}' is not the file that was saved (its SHA-256 differs).", _REMEDY
                )
        strangers = sorted(_file_names(folder) - set(bundle.manifest.files))
        if strangers:
            raise BundleError(
                f"The bundle '{folder.name}' holds files its manifest does not list: {', '.join(strangers)}.", _REMEDY
            )
        return bundle

    @classmethod
    def seal(cls, folder: Path, **facts: Any) -> Bundle:
        """Write the manifest of a folder that holds every file; ``facts`` are the manifest's fields but ``files``."""
        files = {name: sha256_file(folder / name) for name in sorted(_file_names(folder))}
        manifest = BundleManifest(files=files, **facts)
        unset = {name for name in ("train_range_seconds", "holdout_sha256", "refitted_rows") if getattr(manifest, name) is None}
        write_json(folder / MANIFEST, manifest.model_dump(mode="json", exclude=unset))
        return cls(folder)

    @cached_property
    def manifest(self) -> BundleManifest:
        """The manifest, read once."""
        file = self.folder / MANIFEST
        if not file.is_file():
            raise BundleError(f"'{self.folder}' is not a bundle: it has no {MANIFEST}.", "Name a folder that a run has written.")
        try:
            content = json.loads(file.read_bytes())
            found = content.get("format") if isinstance(content, dict) else None
            if found != FORMAT:
                raise BundleError(f"The bundle '{self.folder.name}' has format {found}; this version reads {FORMAT}.", _REMEDY)
            return BundleManifest.model_validate(content)
        except (ValueError, ValidationError) as error:
            raise BundleError(f"{MANIFEST} in the bundle '{self.folder.name}' is damaged.", _REMEDY) from error

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the manifest, which pins every other file: the identity of the model."""
        return sha256_file(self.folder / MANIFEST)

    @property
    def version(self) -> str:
        """The first 12 digits of :attr:`sha256`, for people."""
        return self.sha256[:12]

    def file(self, name: str, *, evaluated: bool = False) -> Path:
        """Return the path of a file; of one that a refit replaced, with ``evaluated``, that of what the final reading was of."""
        before = f"{EVALUATED}{name}"
        return self.folder / (before if evaluated and before in self.manifest.files else name)

    def read_json(self, name: str) -> Any:
        """Return the content of one of the bundle's JSON files."""
        return json.loads((self.folder / name).read_bytes())


def _file_names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
