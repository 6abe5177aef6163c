"""The one way a model reads a slice: the columns it may see, as float32, with labels and weights beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.data.table import Table
from fusionguard.datasets.prepared_names import OTHER
from fusionguard.evaluation.splits import Slice
from fusionguard.families.fraud.traits import FRAUD_TRAITS
from fusionguard.features.definition import FeatureDefinition

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Encoding:
    """How features become a row of float32: a number as it is, a category as its code, a missing value as NaN.

    Parameters
    ----------
    names
        The features, in the order in which models read them.
    categories
        By feature that is a text, its known values; a value's code is its place among them. Another value has the code of
        ``(other)`` where that is known, and else counts as missing: where it is to be refused, that has been done before.
    """

    names: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, definition: FeatureDefinition | None = None) -> Encoding:
        """Return the encoding of a data set's features; without a definition, of the data set that ships."""
        definition = definition or FRAUD_TRAITS.features
        names = definition.model_features
        return cls(names, {name: definition.known[name] for name in names if name in definition.known})

    @property
    def types(self) -> list[str] | None:
        """XGBoost's types of the features; None where all are numbers, which needs no saying."""
        return ["c" if name in self.categories else "q" for name in self.names] if self.categories else None

    @property
    def of_columns(self) -> dict[str, Any]:
        """What XGBoost's matrices are told of their columns."""
        categorical = {"enable_categorical": True} if self.categories else {}
        return {"feature_names": list(self.names), "feature_types": self.types, **categorical}

    @cached_property
    def _codes(self) -> list[dict[str, int] | None]:
        codes = {name: {value: code for code, value in enumerate(values)} for name, values in self.categories.items()}
        return [codes.get(name) for name in self.names]

    def matrix(self, rows: pa.Table) -> np.ndarray:
        """Return the features of an Arrow table as an (n, f) float32 matrix."""
        x = np.empty((rows.num_rows, len(self.names)), dtype=np.float32)
        for place, name in enumerate(self.names):
            known = self.categories.get(name)
            x[:, place] = _numbers(rows[name]) if known is None else _column_of_codes(rows[name], known)
        return x

    def one(self, features: Sequence[Any]) -> np.ndarray:
        """Return the features of one row, in the order of ``names``, as a (1, f) float32 matrix."""
        if self.categories:
            codes = zip(features, self._codes, strict=True)
            features = [value if known is None else _code(value, known) for value, known in codes]
        row = np.array([features], dtype=np.float64)
        return np.minimum(np.maximum(row, -_LARGEST), _LARGEST).astype(np.float32)  # a third of what clip takes for one row


@dataclass(frozen=True)
class ModelRows:
    """Rows of one slice: ``x`` (n, f) float32, ``label`` (n,) int8, ``weight`` (n,) float64 back to the real prior."""

    x: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    encoding: Encoding

    @property
    def frauds(self) -> int:
        """How many rows are frauds."""
        return int(np.count_nonzero(self.label))

    def part(self, places: slice | np.ndarray) -> ModelRows:
        """Return a run of the rows, of which nothing is copied, or those at some places."""
        return ModelRows(self.x[places], self.label[places], self.weight[places], self.encoding)


def read_slice(features: Table, part: Slice, negative_weight: float, definition: FeatureDefinition | None = None) -> ModelRows:
    """Read the rows of one slice whose outcome was known in time; no row outside it is touched.

    Without a definition, the columns are those of the data set that ships.
    """
    definition = definition or FRAUD_TRAITS.features
    encoding = Encoding.of(definition)
    rows = part.read(features, [*encoding.names, definition.label])
    label = rows[definition.label].to_numpy().astype(np.int8)
    return ModelRows(encoding.matrix(rows), label, np.where(label == 0, negative_weight, 1.0), encoding)


def amounts(rows: pa.Table, definition: FeatureDefinition) -> np.ndarray:
    """Return the amounts (n,) of rows as float64, NaN where one is missing, and everywhere where the data set has none."""
    if definition.amount is None:
        return np.full(rows.num_rows, np.nan)
    return np.asarray(rows[definition.amount].to_numpy(), dtype=np.float64)


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    """Return numbers, NaN where one is missing; what is beyond float32 is its largest number, for XGBoost refuses infinity."""
    return np.asarray(np.clip(pc.cast(column, pa.float64()).to_numpy(), -_LARGEST, _LARGEST))


def _column_of_codes(column: pa.ChunkedArray, known: tuple[str, ...]) -> np.ndarray:
    found = pc.index_in(pc.cast(column, pa.string()), value_set=pa.array(known, pa.string()), skip_nulls=True)
    if OTHER in known:
        found = pc.if_else(pc.is_valid(column), pc.fill_null(found, known.index(OTHER)), found)
    return np.asarray(found.to_numpy(), dtype=np.float64)


def _code(value: str | None, known: Mapping[str, int]) -> float:
    if value is None:
        return float("nan")
    return float(known.get(value, known.get(OTHER, float("nan"))))
