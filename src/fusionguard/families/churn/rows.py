"""The one way a churn model reads customers: numbers and categories beside each other, each in a fixed order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.groups import attribute_columns, group_names
from fusionguard.features.definition import FeatureDefinition

NO_CODE = -1
"""The code of a category that is missing."""

_LISTED = 10


@dataclass(frozen=True)
class CustomerColumns:
    """The model features of a data set as models read them: the numbers, then the categories; :meth:`of` makes one.

    Parameters
    ----------
    numeric
        The numbers in their order.
    categories
        The categories in their order, with the values they may have; a value's place is its code.
    missing
        Those of both that may be missing.
    """

    numeric: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    missing: frozenset[str]

    @classmethod
    def of(cls, definition: FeatureDefinition) -> CustomerColumns:
        """Return the columns of a data set's model features, of which texts come last."""
        names = definition.model_features
        texts = tuple(name for name in names if definition.column_types[name] == "string")
        numbers = names[: len(names) - len(texts)]
        if (*numbers, *texts) != names:
            raise ValueError("the texts among the model features must come last")
        outputs = definition.parsed_rows.outputs
        return cls(
            numbers,
            {name: definition.known.get(name, ()) for name in texts},
            frozenset(name for name in names if outputs[name].nullable),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """All of them in their order."""
        return (*self.numeric, *self.categories)


@dataclass(frozen=True)
class CustomerRows:
    """Customers as models read them.

    Parameters
    ----------
    columns
        What the columns are.
    numeric
        (n, k) float64; NaN where a number is missing.
    codes
        (n, c) int32, places in ``columns.categories``; ``NO_CODE`` where a category is missing.
    """

    columns: CustomerColumns
    numeric: NDArray[np.float64]
    codes: NDArray[np.int32]

    @property
    def rows(self) -> int:
        """How many customers there are."""
        return int(self.numeric.shape[0])

    def take(self, places: NDArray[Any]) -> CustomerRows:
        """Return the customers at some places, or where flags (n,) are true."""
        return CustomerRows(self.columns, self.numeric[places], self.codes[places])

    def matrix(self) -> NDArray[np.float64]:
        """Return one (n, k + c) matrix in the order of the columns, categories as their codes and NaN where one is missing."""
        codes = self.codes.astype(np.float64)
        codes[self.codes == NO_CODE] = np.nan
        return np.column_stack([self.numeric, codes])


def customer_rows(rows: pa.Table, columns: CustomerColumns) -> CustomerRows:
    """Read the model's columns of an Arrow table.

    Raises
    ------
    DataError
        A number that is infinite, an empty cell where none may be, or a category that no model has seen.
    """
    numeric = np.empty((rows.num_rows, len(columns.numeric)), dtype=np.float64)
    for place, name in enumerate(columns.numeric):
        numeric[:, place] = rows[name].to_numpy()
        _check_number(name, numeric[:, place], missing=name in columns.missing)
    codes = np.empty((rows.num_rows, len(columns.categories)), dtype=np.int32)
    for place, (name, known) in enumerate(columns.categories.items()):
        codes[:, place] = _codes(name, known, rows[name], missing=name in columns.missing)
    return CustomerRows(columns, numeric, codes)


def read_customers(features: Table, definition: FeatureDefinition) -> tuple[CustomerRows, NDArray[np.int8]]:
    """Read a whole feature table: the customers and their labels (n,)."""
    rows = features.read([*definition.model_features, definition.label])
    return customer_rows(rows, CustomerColumns.of(definition)), labels(rows, definition)


def labels(rows: pa.Table, definition: FeatureDefinition) -> NDArray[np.int8]:
    """Return the labels (n,) of rows of a feature table."""
    return np.asarray(rows[definition.label].to_numpy(), dtype=np.int8)


def amounts(rows: pa.Table, definition: FeatureDefinition) -> NDArray[np.float64]:
    """Return the amounts (n,) that customers' values grow with: 0 where it is missing, and where the data set has none."""
    if definition.amount is None:
        return np.zeros(rows.num_rows)
    return np.nan_to_num(np.asarray(rows[definition.amount].to_numpy(), dtype=np.float64), nan=0.0)


def scored_customers(
    features: Table,
    definition: FeatureDefinition,
    places: NDArray[np.int64],
    probability: NDArray[np.float64],
    score: NDArray[np.float64],
) -> ScoredCustomers:
    """Put scores (m,) beside the labels, amounts and groups of the customers at ``places`` (m,) of a feature table."""
    numbers = [definition.row_column] if definition.row_column is not None else []
    amount = [definition.amount] if definition.amount is not None else []
    rows = features.read(_once(*numbers, *amount, *attribute_columns(definition), definition.label))
    groups = {cut.name: group_names(rows, cut) for cut in definition.attributes}
    number = np.arange(rows.num_rows) if not numbers else rows[numbers[0]].to_numpy()
    return ScoredCustomers(
        label=labels(rows, definition)[places],
        probability=probability,
        score=score,
        balance=amounts(rows, definition)[places],
        groups={name: names[places] for name, names in groups.items()},
        row_number=number[places],
        order={cut.name: tuple(cut.names.values()) for cut in definition.attributes},
    )


def _once(*names: str) -> list[str]:
    return list(dict.fromkeys(names))


def _check_number(name: str, values: NDArray[np.float64], *, missing: bool) -> None:
    wrong = np.isinf(values) if missing else ~np.isfinite(values)
    if wrong.any():
        what = "not a finite number" if missing else "empty or not a finite number"
        raise DataError(f"Column '{name}' holds a cell that is {what}.", "Correct these rows.")


def _codes(name: str, known: tuple[str, ...], values: pa.ChunkedArray, *, missing: bool) -> NDArray[np.int32]:
    found = pc.index_in(values, value_set=pa.array(known, values.type))
    strange = found.null_count - (values.null_count if missing else 0)
    if strange:
        raise DataError(f"Column '{name}' holds a value that is not one of {_listed(known)}.", "Correct these rows.")
    return np.asarray(pc.fill_null(found, NO_CODE).to_numpy(), dtype=np.int32)


def _listed(known: Iterable[str]) -> str:
    values = list(known)
    more = f" and {len(values) - _LISTED} more" if len(values) > _LISTED else ""
    return ", ".join(values[:_LISTED]) + more
