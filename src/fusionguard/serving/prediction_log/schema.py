"""What a part of the prediction log holds, and the marks by which a reader knows that it can read one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pyarrow as pa

from fusionguard.errors import DataError, StorageError
from fusionguard.families.catalog import model_family
from fusionguard.families.family import LABEL, TIME, ModelFamily

LOG_VERSION = 1
"""Raised with every change of the columns below; what an older version wrote stays readable."""

REQUEST_ID, ROW, SHADOW = "request_id", "row", "shadow"
MODEL_VERSION, ORIGIN = "model_version", "origin"
OBSERVED_AT = "label_observed_at"
"""Beside the label, what a reader adds to a part's columns where an outcome is known."""

KEY: tuple[str, ...] = (REQUEST_ID, ROW, SHADOW)
"""What a row is known by: a second row of the same key is a repetition."""

TIME_TYPE = pa.timestamp("us", tz="UTC")

_VERSION_KEY, _MODEL_KEY, _FEATURES_KEY = b"fusionguard.log_version", b"fusionguard.model", b"fusionguard.feature_schema_version"


class LogVersionError(StorageError):
    """A part or a label store that a newer FusionGuard wrote; ``path``, ``found`` and ``known`` say which and what."""

    def __init__(self, path: Path, found: int, known: int, of: str = "log") -> None:
        self.path, self.found, self.known = path, found, known
        super().__init__(
            f"{path} has {of} version {found}; this FusionGuard reads versions up to {known}.",
            "Read it with the FusionGuard that wrote it, or a newer one.",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.path, self.found, self.known))


class ForeignPartError(StorageError):
    """A file among the parts that is not a part of this model's log."""


@cache
def part_schema(model: str) -> pa.Schema:
    """Return the columns of a model's parts with their marks.

    ``row`` counts the rows of a request from 0; ``time`` is when it was answered; ``shadow`` tells a challenger's answer, which
    nobody got. Then come the family's ``outputs`` and its model features, typed as in the feature store.

    Raises
    ------
    DataError
        An output or a feature has the name of another column of the log.
    """
    family = model_family(model)
    columns = [
        (REQUEST_ID, pa.string()),
        (ROW, pa.int32()),
        (TIME, TIME_TYPE),
        (SHADOW, pa.bool_()),
        (MODEL_VERSION, pa.string()),
        (ORIGIN, pa.string()),
        *((column.name, column.type) for column in family.answer_columns),
        *((name, pa.type_for_alias(family.features.column_types[name])) for name in family.features.model_features),
    ]
    names = [name for name, _ in columns] + [LABEL, OBSERVED_AT]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"The {model} log would have two columns '{twice[0]}'.", "Give the feature or output another name.")
    return pa.schema(columns, metadata=_marks(family))


@cache
def log_schema(model: str) -> pa.Schema:
    """Return the columns that a reader gives: those of the parts, and the outcome where it is known."""
    marked = part_schema(model)
    return marked.remove_metadata().append(pa.field(LABEL, pa.int8())).append(pa.field(OBSERVED_AT, TIME_TYPE))


def check_marks(path: Path, found: pa.Schema, model: str) -> None:
    """Check that a file is a part of ``model``'s log and that this version can read it.

    Raises
    ------
    LogVersionError
        A newer FusionGuard wrote it, or wrote it about a newer version of the features.
    ForeignPartError
        It has no marks, another model's, or not the columns its marks promise.
    """
    marks = found.metadata or {}
    if marks.get(_MODEL_KEY) != model.encode():
        raise ForeignPartError(f"{path} is not a part of the {model} log.")
    version, features = _number(path, marks, _VERSION_KEY), _number(path, marks, _FEATURES_KEY)
    if version > LOG_VERSION:
        raise LogVersionError(path, version, LOG_VERSION)
    known = model_family(model).features.schema_version
    if features > known:
        raise LogVersionError(path, features, known, of="feature schema")
    if not found.equals(part_schema(model)):
        raise ForeignPartError(f"{path} does not have the columns of the {model} log.")


def _marks(family: ModelFamily) -> dict[bytes, bytes]:
    return {
        _VERSION_KEY: str(LOG_VERSION).encode(),
        _MODEL_KEY: family.name.encode(),
        _FEATURES_KEY: str(family.features.schema_version).encode(),
    }


def _number(path: Path, marks: dict[bytes, bytes], key: bytes) -> int:
    try:
        return int(marks[key])
    except (KeyError, ValueError):
        raise ForeignPartError(f"{path} does not say its {key.decode()}.") from None
