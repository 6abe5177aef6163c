"""What a part of the prediction log holds, and the marks by which a reader knows that it can read one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from fusionguard.errors import DataError, StorageError
from fusionguard.families.catalog import family_names, model_family
from fusionguard.families.family import LABEL, OWNER, TIME, ModelFamily

LOG_VERSION = 1
"""Raised with every change of the columns below; what an older version wrote stays readable."""

REQUEST_ID, ROW, SHADOW = "request_id", "row", "shadow"
MODEL_VERSION, ORIGIN = "model_version", "origin"
OBSERVED_AT = "label_observed_at"
"""Beside the label, what a reader adds to a part's columns where an outcome is known."""

EVENT, EXACT = "past_event", "past_exact"
"""Behind the features of models that read what happened before: by what a history knows the row (:mod:`~.events`), empty where
it tells no id, and whether the state saw all that was before it. ``OWNER`` comes after them."""

KEY: tuple[str, ...] = (REQUEST_ID, ROW, SHADOW)
"""What a row is known by: a second row of the same key is a repetition."""

TIME_TYPE = pa.timestamp("us", tz="UTC")

PATTERN = "part-*.parquet"

_VERSION_KEY, _MODEL_KEY, _FEATURES_KEY = b"fusionguard.log_version", b"fusionguard.model", b"fusionguard.feature_schema_version"
_OUTPUTS_KEY = b"fusionguard.outputs"
"""In parts about a declared data set alone: which columns are of the answer; those behind them are features."""

_BEFORE = {
    REQUEST_ID: pa.string(),
    ROW: pa.int32(),
    TIME: TIME_TYPE,
    SHADOW: pa.bool_(),
    MODEL_VERSION: pa.string(),
    ORIGIN: pa.string(),
}
_PAST = {EVENT: pa.string(), EXACT: pa.bool_(), OWNER: pa.int64()}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""What a data set may be called, and so a folder of its log."""


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


@dataclass(frozen=True)
class LogLayout:
    """What the log of one model holds.

    Parameters
    ----------
    model
        The model's name, which is that of its folder, too.
    schema_version
        That of its features.
    outputs, features
        What is logged of an answer, and of the row behind it, in order.
    parts
        The columns of a part, with the marks by which it is known.
    past
        What is logged of a row's event, where models read what happened before it.
    declared
        Whether somebody has declared the data set: the features of its log change with the declaration, and a column that a part
        lacks is empty in it.
    """

    model: str
    schema_version: int
    outputs: tuple[str, ...]
    features: tuple[str, ...]
    parts: pa.Schema
    declared: bool = False
    past: tuple[str, ...] = ()

    @property
    def rows(self) -> pa.Schema:
        """The columns that a reader gives: those of the parts, and the outcome where it is known."""
        return self.parts.remove_metadata().append(pa.field(LABEL, pa.int8())).append(pa.field(OBSERVED_AT, TIME_TYPE))


Logged: TypeAlias = str | ModelFamily | LogLayout
"""Whose log it is: a family's, on the data set that ships for it or on another; by its name alone, of the former."""


def log_layout(model: Logged) -> LogLayout:
    """Return what the log of a model holds; the name of a declared data set does not say so.

    ``row`` counts the rows of a request from 0; ``time`` is when it was answered; ``shadow`` tells a challenger's answer, which
    nobody got. Then come the family's ``outputs`` and its model features, typed as in the feature store.

    Raises
    ------
    UnknownChoiceError
        No family is called so.
    DataError
        An output or a feature has the name of another column of the log.
    """
    if isinstance(model, LogLayout):
        return model
    return _shipped_layout(model) if isinstance(model, str) else _layout(model)


def stored_layout(folder: Path, name: str) -> LogLayout:
    """Return what the log in a folder holds, whose model is called ``name``: of a declared data set, as its latest rows say.

    Raises
    ------
    UnknownChoiceError
        No family is called so, and there is no such log.
    """
    found = None if name in family_names() else _layout_of_parts(folder / log_name(name))
    return log_layout(name) if found is None else found


def log_name(model: Logged) -> str:
    """Return the name of a model's log, which is that of its folder; raise :class:`UnknownChoiceError` for what cannot be one."""
    if not isinstance(model, str):
        return model.model
    return model if _NAME.fullmatch(model) else model_family(model).name


def part_schema(model: Logged) -> pa.Schema:
    """Return the columns of a model's parts with their marks; raises as :func:`log_layout` does."""
    return log_layout(model).parts


def log_schema(model: Logged) -> pa.Schema:
    """Return the columns that a reader gives; raises as :func:`log_layout` does."""
    return log_layout(model).rows


@cache
def _shipped_layout(name: str) -> LogLayout:
    return _layout(model_family(name))


def _layout(family: ModelFamily) -> LogLayout:
    columns = [
        *_BEFORE.items(),
        *((column.name, column.type) for column in family.answer_columns),
        *((name, pa.type_for_alias(family.features.column_types[name])) for name in family.features.model_features),
    ]
    past = _PAST if family.features.past else {}
    columns += past.items()
    names = [name for name, _ in columns] + [LABEL, OBSERVED_AT]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"The {family.model} log would have two columns '{twice[0]}'.", "Give the feature or output another name."
        )
    version, outputs = family.features.schema_version, tuple(family.outputs)
    marks = {
        _VERSION_KEY: str(LOG_VERSION).encode(),
        _MODEL_KEY: family.model.encode(),
        _FEATURES_KEY: str(version).encode(),
    }
    if family.declared is not None:
        marks[_OUTPUTS_KEY] = json.dumps(outputs).encode()
    parts = pa.schema(columns, metadata=marks)
    return LogLayout(
        family.model, version, outputs, family.features.model_features, parts, family.declared is not None, tuple(past)
    )


def _layout_of_parts(home: Path) -> LogLayout | None:
    """Return the layout of the part with the latest row; None where there is none that can be read."""
    latest: tuple[datetime, LogLayout] | None = None
    for path in sorted(home.glob(PATTERN)):
        try:
            footer = pq.read_metadata(path)
            found = footer.schema.to_arrow_schema()
            check_marks(path, found, home.name)
            outputs = tuple(json.loads((found.metadata or {})[_OUTPUTS_KEY]))
            version = _number(path, found.metadata, _FEATURES_KEY)
            place = found.get_field_index(TIME)
            last = max(footer.row_group(group).column(place).statistics.max for group in range(footer.num_row_groups))
        except (OSError, pa.ArrowException, StorageError, AttributeError, KeyError, ValueError):
            continue  # whoever reads the log is told why
        if latest is None or last > latest[0]:
            past = tuple(name for name in _PAST if name in found.names)
            features = tuple(found.names[len(_BEFORE) + len(outputs) : len(found.names) - len(past)])
            latest = last, LogLayout(home.name, version, outputs, features, found, declared=True, past=past)
    return None if latest is None else latest[1]


def check_marks(path: Path, found: pa.Schema, model: str, layout: LogLayout | None = None) -> None:
    """Check that a file is a part of ``model``'s log and that this version can read it, in a layout where one is given.

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
    if layout is None:
        return
    if features > layout.schema_version:
        raise LogVersionError(path, features, layout.schema_version, of="feature schema")
    if not (_fits(found, layout) if layout.declared else found.equals(layout.parts)):
        raise ForeignPartError(f"{path} does not have the columns of the {model} log.")


def _fits(found: pa.Schema, layout: LogLayout) -> bool:
    """Whether a part has the columns of every answer, and none of the features with another type."""
    needed = {*_BEFORE, *layout.outputs}
    return all(
        found.field(field.name).type == field.type if field.name in found.names else field.name not in needed
        for field in layout.parts
    )


def _number(path: Path, marks: dict[bytes, bytes], key: bytes) -> int:
    try:
        return int(marks[key])
    except (KeyError, ValueError):
        raise ForeignPartError(f"{path} does not say its {key.decode()}.") from None
