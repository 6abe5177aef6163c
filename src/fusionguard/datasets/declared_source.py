"""The rows of a data set that somebody has declared: read, held against the declaration, and prepared."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from fusionguard.data.part_files import part_files, sha256_parts
from fusionguard.data.provenance import Provenance
from fusionguard.data.source import RawData
from fusionguard.datasets.declared_rows import read_declared
from fusionguard.datasets.preparing import prepare_training
from fusionguard.datasets.reading import DeclaredDataset
from fusionguard.datasets.remembering import PastEngine
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.shipped import Wanted, simulator
from fusionguard.datasets.simulated import simulate_declared
from fusionguard.errors import UsageError
from fusionguard.files import sha256_file


@dataclass(frozen=True)
class DeclaredSource:
    """A file, or a folder of part files, in the columns of a declared data set.

    Parameters
    ----------
    file
        CSV (also gzip or zip) or parquet, or a folder of such part files; or a pattern.
    matches
        The files that a pattern names, in the order of their names.
    """

    declared: DeclaredDataset
    file: Path
    matches: tuple[Path, ...] = ()

    name = "local"

    @property
    def description(self) -> str:
        """The data set's and the file's name, never its path."""
        return f"local file {self.file.name}, data set {self.declared.declaration.name}"

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes; of several, and of a folder's parts, that of all in order."""
        parts = self.matches or part_files(self.file)
        return sha256_parts(parts) if parts else sha256_file(self.file)

    @cached_property
    def fingerprint(self) -> str:
        """The file's SHA-256, mixed with the declaration and its own SQL: any of them changing makes other results."""
        declared = self.declared.declaration.model_dump_json(exclude_unset=True)
        own = "" if self.declared.sql is None else f"\n{self.declared.sql}"
        return hashlib.sha256(f"{self.sha256}\n{declared}{own}".encode()).hexdigest()

    def fetch(self, folder: Path, *, earliest: float = 1.0, engine: PastEngine | None = None) -> tuple[RawData, ResolvedDataset]:
        """Write the prepared rows as ``folder/raw.parquet``; return them, and the data set as it was found.

        Parameters
        ----------
        earliest
            The share of the rows, by time, that ranges and known values are read from.
        engine
            What finds what windows remember; None for DuckDB.

        Raises
        ------
        ContradictionError
            The rows are not what is declared.
        DataError
            The file is not what it claims to be.
        """
        declaration = self.declared.declaration
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".reading-") as scratch:
            read = read_declared(self.declared, self.matches or self.file, Path(scratch) / "read.parquet")
            described = resolve(self.declared, read, earliest=earliest)
            table = prepare_training(described, read, folder / "raw.parquet", engine)
        provenance = Provenance(
            dataset=declaration.name,
            origin="simulated" if declaration.simulated else "local",
            description=self.file.name,
            sha256=self.sha256,
            rows=table.rows,
            negative_sampling_rate=declaration.sampling.negatives_kept,
            sampling_declared="sampling" in declaration.model_fields_set,
            file=self.file.name,
        )
        return RawData(table, provenance), described


@dataclass(frozen=True)
class SimulatedDeclaredSource:
    """The simulator of a declared data set that ships: ``rows`` rows from ``seed``."""

    declared: DeclaredDataset
    rows: int
    seed: int
    version: int

    name = "simulated"

    @property
    def description(self) -> str:
        """Rows and seed."""
        return f"SIMULATED data, {self.rows:,} rows from seed {self.seed}, data set {self.declared.declaration.name}"

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256 over everything that decides the rows, and the declaration."""
        declared = self.declared.declaration.model_dump_json(exclude_unset=True)
        identity = f"simulated\n{self.version}\n{self.rows}\n{self.seed}\n{declared}"
        return hashlib.sha256(identity.encode()).hexdigest()

    def fetch(self, folder: Path, *, earliest: float = 1.0, engine: PastEngine | None = None) -> tuple[RawData, ResolvedDataset]:
        """Simulate, and do as :meth:`DeclaredSource.fetch` does with a file."""
        name = self.declared.declaration.name
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".simulating-") as scratch:
            made = simulate_declared(name, Wanted(self.rows, self.seed), Path(scratch) / f"{name}.parquet")
            raw, described = DeclaredSource(self.declared, made.path).fetch(folder, earliest=earliest, engine=engine)
        said = f"simulator version {self.version}, {self.rows:,} rows, seed {self.seed}"
        provenance = raw.provenance.model_copy(update={"origin": "simulated", "description": said, "file": ""})
        return RawData(raw.table, provenance), described


def source_of(declared: DeclaredDataset, spec: str, *, rows: int, seed: int) -> DeclaredSource | SimulatedDeclaredSource:
    """Return the source that ``spec`` means, as :func:`declared_source` does, which it raises as.

    Of a data set that ships, ``simulated`` and ``auto`` are its simulator, with ``rows`` and ``seed``.
    """
    made_by = simulator(declared.declaration.name)
    if made_by is not None and spec in ("auto", "simulated"):
        return SimulatedDeclaredSource(declared, rows, seed, made_by.version)
    return declared_source(declared, spec)


def declared_source(declared: DeclaredDataset, spec: str) -> DeclaredSource:
    """Return the files that ``spec`` means for a declared data set: ``auto`` is what the declaration names, else a path.

    Raises
    ------
    UsageError
        There is no such file, or the declaration names none and neither does ``spec``.
    """
    name, rows = declared.declaration.name, declared.declaration.rows
    if spec in ("kaggle", "simulated"):
        raise UsageError(
            f"The data set '{name}' is declared, and has no source '{spec}'.",
            "Name its file with --source FILE.",
        )
    if spec == "auto" and rows is None:
        raise UsageError(
            f"{declared.file} names no file of rows.", "Name one with --source FILE, or write rows: FILE into the declaration."
        )
    if spec == "auto":
        path, wrong = (declared.folder or Path()) / str(rows), f"{declared.file} names '{rows}', which is not beside it."
    else:
        path, wrong = Path(spec).expanduser(), f"The source '{spec}' does not exist."
    if path.exists() or not any(sign in path.name for sign in "*?["):
        return DeclaredSource(declared, _there(path, wrong))
    found = tuple(sorted(file for file in path.parent.glob(path.name) if file.is_file()))
    if not found:
        raise UsageError(wrong, "Name a file, a folder of part files, or a pattern of files.")
    return DeclaredSource(declared, path, found)


def _there(path: Path, wrong: str) -> Path:
    if not path.exists():
        raise UsageError(wrong, "Name an existing file, or a folder of part files, with --source.")
    return path
