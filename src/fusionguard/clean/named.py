"""What cannot be made again, and goes only where somebody types its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fusionguard.clean.removal import Removal
from fusionguard.errors import UnknownChoiceError
from fusionguard.home import Home
from fusionguard.registry.tracking import sqlite_file
from fusionguard.serving.launch import release_folder
from fusionguard.serving.prediction_log.labels import FILE as LABELS
from fusionguard.serving.release import RELEASE

_DATABASE_FILES = ("", "-wal", "-shm", "-journal")
"""An SQLite database, and what SQLite keeps beside it; a copy that somebody made has another name, and stays."""


def _predictions(home: Home) -> Iterator[Path]:
    yield from (file for file in home.predictions.glob("*/*") if not file.name.startswith(LABELS))


def _outcomes(home: Home) -> Iterator[Path]:
    yield from home.predictions.glob(f"*/{LABELS}*")


def _registry(home: Home) -> Iterator[Path]:
    database = sqlite_file(home.mlflow_uri)
    if database is not None and database.resolve().is_relative_to(home.state.resolve()):  # another one is not this home's
        yield from (database.with_name(database.name + suffix) for suffix in _DATABASE_FILES)
        yield home.mlflow_artifacts


def _releases(home: Home) -> Iterator[Path]:
    yield from (folder for folder in release_folder(home).parent.glob("[!.]*") if (folder / RELEASE).is_file())
    yield home.state / "bentoml"


NAMES: dict[str, tuple[str, Callable[[Home], Iterator[Path]]]] = {
    "predictions": ("the prediction log", _predictions),
    "outcomes": ("outcomes of predictions", _outcomes),
    "registry": ("registered models and their runs", _registry),
    "releases": ("releases and Bentos", _releases),
}
"""What people type, what it means, and where it lies."""


def named_removals(home: Home, names: Iterable[str]) -> list[Removal]:
    """Return all of what the names stand for; a name that means nothing raises :class:`UnknownChoiceError`."""
    chosen = list(names)
    for name in chosen:
        if name not in NAMES:
            raise UnknownChoiceError("thing to remove", name, NAMES)
    return [
        Removal(path, NAMES[name][0], "you named it")
        for name in NAMES
        if name in chosen
        for path in NAMES[name][1](home)
        if path.exists()
    ]
