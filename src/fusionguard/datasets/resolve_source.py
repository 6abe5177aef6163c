"""The choice between the sources, and the rows of the one that was chosen."""

from __future__ import annotations

import logging
from pathlib import Path

from fusionguard.data.schema import DatasetSchema
from fusionguard.data.source import RawData, Source
from fusionguard.datasets.shipped import dataset_schema
from fusionguard.errors import UnknownChoiceError, UsageError
from fusionguard.home import Home, find_home

SOURCE_CHOICES = ("auto", "kaggle", "simulated", "the path of a file or folder")
"""What ``--source`` takes."""

_log = logging.getLogger("fusionguard.source")


def read_data(dataset: str, source: str, folder: Path, *, rows: int = 20_000, seed: int = 7) -> RawData:
    """Read the raw rows of a data set, write them as ``folder/raw.parquet``, and return them with their provenance.

    Parameters
    ----------
    dataset
        The name of one that ships, as :func:`fusionguard.datasets.shipped.dataset_names` lists them.
    source
        As :func:`resolve_source` takes it: ``simulated``, ``kaggle``, ``auto``, or the path of a file or folder.
    rows, seed
        How many rows to simulate, and from which seed; other sources are read whole.

    Raises
    ------
    UsageError
        There is no such data set, source or file.
    DataError
        The rows cannot be read; the message names file, column and row.
    """
    chosen = resolve_source(source, dataset_schema(dataset), find_home(), seed=seed, rows=rows)
    _log.info("source: %s", chosen.description)
    return chosen.fetch(folder)


def resolve_source(spec: str, schema: DatasetSchema, home: Home, *, seed: int, rows: int) -> Source:
    """Return the source that ``spec`` means: ``auto``, ``kaggle``, ``simulated``, or the path of a file or folder.

    ``auto`` takes a file in ``data/raw/<data set>/``, else Kaggle where its file is already here or there are credentials,
    else the simulator with ``seed`` and ``rows``; the source's ``description`` says which and why.

    Raises
    ------
    UnknownChoiceError
        ``spec`` is none of these and no such path exists.
    UsageError
        The path is a folder without a file in Kaggle's layout and without part files.
    """
    from fusionguard.data.kaggle import KaggleSource, find_credentials  # each with libraries that the others do without
    from fusionguard.data.local import LocalSource, find_file
    from fusionguard.data.part_files import part_files
    from fusionguard.datasets.simulated import SimulatedSource

    if spec == "simulated":
        return SimulatedSource(schema, rows, seed)
    if spec == "kaggle":
        return KaggleSource(schema, home.raw / schema.name / "kaggle")
    if spec == "auto":
        folder = home.raw / schema.name
        file = find_file(folder, schema)
        if file:
            return LocalSource(file, schema, reason=f"found in data/raw/{schema.name}")
        kaggle = KaggleSource(schema, folder / "kaggle", reason=f"no file in data/raw/{schema.name}")
        if kaggle.downloaded or find_credentials():
            return kaggle
        return SimulatedSource(schema, rows, seed, reason=f"no file in data/raw/{schema.name}, no Kaggle credentials")
    path = Path(spec).expanduser()
    if path.is_dir():
        file = find_file(path, schema) or (path if part_files(path) else None)
        if file is None:
            raise UsageError(
                f"The folder '{spec}' holds no {schema.file_name} (nor .gz, .zip, .parquet) and no part files.",
                "Name the file itself.",
            )
        return LocalSource(file, schema)
    if path.is_file():
        return LocalSource(path, schema)
    looks_like_path = "/" in spec or "\\" in spec or "." in spec
    if looks_like_path:
        raise UsageError(f"The source '{spec}' does not exist.", f"Valid choices: {', '.join(SOURCE_CHOICES)}.")
    raise UnknownChoiceError("source", spec, SOURCE_CHOICES)
