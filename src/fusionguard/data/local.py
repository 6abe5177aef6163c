"""The local source: a file in Kaggle's layout, and the declaration beside it that says whether its rows were sampled."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fusionguard.data.ingest import read_raw
from fusionguard.data.part_files import part_files, sha256_parts
from fusionguard.data.provenance import Provenance
from fusionguard.data.schema import DatasetSchema
from fusionguard.data.source import RawData
from fusionguard.errors import DataError
from fusionguard.files import sha256_file


class SourceDeclaration(BaseModel):
    """What ``<file>.source.yaml`` (or ``source.yaml`` in the same folder) may declare about a raw file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    negative_sampling_rate: float = Field(default=1.0, gt=0, le=1)
    """The share of legitimate rows that the file kept; metrics and probabilities are corrected by it."""
    simulated: bool = False
    """Whether the rows were made by a simulator: everything made from them then says so."""
    note: str = ""
    """One line about the file, shown with its provenance."""
    id_column: str | None = None
    """The column that tells the file's owner which row is which: carried to scores and contact list, read by no model."""


@dataclass(frozen=True)
class LocalSource:
    """A file on this machine, or a folder of part files.

    Parameters
    ----------
    file
        CSV (also gzip or zip) or parquet with the columns of ``schema``, or a folder of such part files.
    reason
        Why it was chosen, for the description.
    """

    file: Path
    schema: DatasetSchema
    reason: str = "named by the caller"

    name = "local"

    @property
    def description(self) -> str:
        """The file's name (never its absolute path) and why it was chosen."""
        return f"local file {self.file.name} ({self.reason})"

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes; of a folder, that of its parts in order."""
        parts = part_files(self.file)
        return sha256_parts(parts) if parts else sha256_file(self.file)

    @cached_property
    def declaration(self) -> SourceDeclaration:
        """What is declared beside the file."""
        return read_declaration(self.file)

    @cached_property
    def fingerprint(self) -> str:
        """The file's SHA-256, mixed with the declaration where there is one: either changing makes other results."""
        if not self.declaration.model_fields_set:
            return self.sha256
        # To declare a default is to say something: that nothing was sampled, where nobody had said anything.
        declared = self.declaration.model_dump_json(exclude_unset=True)
        return hashlib.sha256(f"{self.sha256}\n{declared}".encode()).hexdigest()

    def fetch(self, folder: Path) -> RawData:
        """Read the file strictly into ``folder/raw.parquet``; :class:`DataError` says what is wrong with it."""
        declaration = self.declaration
        table = read_raw(self.file, self.schema, folder / "raw.parquet", carried=declaration.id_column)
        note = f": {declaration.note}" if declaration.note else ""
        provenance = Provenance(
            dataset=self.schema.name,
            origin="simulated" if declaration.simulated else "local",
            description=f"{self.file.name}{note}",
            sha256=self.sha256,
            rows=table.rows,
            negative_sampling_rate=declaration.negative_sampling_rate,
            sampling_declared="negative_sampling_rate" in declaration.model_fields_set,
            file=self.file.name,
        )
        return RawData(table, provenance)


def find_file(folder: Path, schema: DatasetSchema) -> Path | None:
    """Return the file of a data set in ``folder``, in Kaggle's layout (CSV, CSV packed, parquet, or Kaggle's zip), or nothing.

    Spark writes a folder of that name instead: it counts, too.
    """
    stem = Path(schema.file_name).stem
    slug = schema.kaggle.split("/")[1]
    names = [
        schema.file_name,
        f"{schema.file_name}.gz",
        f"{schema.file_name}.zip",
        f"{stem}.parquet",
        f"{stem}.zip",
        f"{slug}.zip",
    ]
    paths = [folder / name for name in (*names, "archive.zip")]
    return next((path for path in paths if path.is_file() or part_files(path)), None)


def read_declaration(file: Path) -> SourceDeclaration:
    """Read the declaration beside ``file``, or in it where it is a folder; without one, nothing was sampled.

    Raises
    ------
    DataError
        It is not YAML, has an unknown key, or a value out of range.
    """
    file = Path.cwd() / file if file.name not in ("", "..") else file.resolve()  # these have no name of their own
    places = (file.with_name(f"{file.name}.source.yaml"), file / "source.yaml", file.with_name("source.yaml"))
    declared = next((place for place in places if place.is_file()), None)
    if declared is None:
        return SourceDeclaration()
    known = f"Known keys: {', '.join(SourceDeclaration.model_fields)}."
    try:
        content = yaml.safe_load(declared.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{declared.name} is not valid YAML.", known) from error
    if not isinstance(content, dict | None):
        raise DataError(f"{declared.name} must hold keys and values.", known)
    try:
        return SourceDeclaration.model_validate(content or {})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise DataError(f"{declared.name} has the unknown key '{key}'.", known) from error
        raise DataError(f"{declared.name}: bad value for '{key}': {first['msg']}.", known) from error
