"""The fields of a request: the raw columns that a family's features are made of, with what each must hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusionguard.data.schema import DatasetSchema
from fusionguard.features.definition import FeatureDefinition

Columns = dict[str, NDArray[Any]]
"""Raw columns (n,) by name: float64 for numbers, object for texts; what :class:`RequestFields` names, no more and no less."""


@dataclass(frozen=True)
class Number:
    """A field that holds a finite number in ``[low, high]``; ``whole`` for one without a fraction."""

    name: str
    low: float
    high: float
    whole: bool = False

    @property
    def expected(self) -> str:
        """What the field must hold, in words."""
        return f"a {'whole' if self.whole else 'finite'} number from {self.low:.15g} to {self.high:.15g}"


@dataclass(frozen=True)
class Choice:
    """A field that holds one of some texts."""

    name: str
    values: tuple[str, ...]

    @property
    def expected(self) -> str:
        """What the field must hold, in words."""
        return "one of " + ", ".join(f"'{value}'" for value in self.values)


Field = Number | Choice


@dataclass(frozen=True)
class RequestFields:
    """The fields of one family's requests."""

    numbers: tuple[Number, ...]
    choices: tuple[Choice, ...]

    @classmethod
    def of(cls, schema: DatasetSchema, features: FeatureDefinition) -> RequestFields:
        """Return a field for each raw column that the features are made of; what else the data set has is not among them."""
        numbers = (
            Number(name, low, high, whole=schema.columns[name] == "integer") for name, (low, high) in features.limits.items()
        )
        return cls(tuple(numbers), tuple(Choice(name, known) for name, known in features.known.items()))

    @property
    def all(self) -> tuple[Field, ...]:
        """All fields in the order in which rows are read, which is that of the definition's ``model_columns``."""
        return (*self.numbers, *self.choices)

    def columns(self, row: dict[str, Any]) -> Columns:
        """Return one checked row as raw columns of length 1."""
        columns: Columns = {field.name: np.array([row[field.name]], dtype=np.float64) for field in self.numbers}
        return columns | {field.name: np.array([row[field.name]], dtype=object) for field in self.choices}
