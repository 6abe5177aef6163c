"""The one way a churn model reads customers: numbers and categories beside each other, each in a fixed order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.families.churn.customers import ATTRIBUTES, ScoredCustomers
from fusionguard.features.churn import (
    AGE_BAND,
    AGE_BANDS,
    CATEGORICAL,
    CHURN_FEATURES,
    LABEL,
    MODEL_FEATURES,
    NUMERIC,
    ROW_NUMBER,
)

CATEGORIES: Mapping[str, tuple[str, ...]] = {name: CHURN_FEATURES.known[name] for name in CATEGORICAL}
"""The categorical model features with their known values; a value's place is its code."""


@dataclass(frozen=True)
class CustomerRows:
    """Customers as models read them: ``numeric`` (n, k) float64 and ``codes`` (n, c) int32, places in ``CATEGORIES``."""

    numeric: NDArray[np.float64]
    codes: NDArray[np.int32]

    @property
    def rows(self) -> int:
        """How many customers there are."""
        return int(self.numeric.shape[0])

    def take(self, places: NDArray[Any]) -> CustomerRows:
        """Return the customers at some places, or where flags (n,) are true."""
        return CustomerRows(self.numeric[places], self.codes[places])

    def matrix(self) -> NDArray[np.float64]:
        """Return one (n, k + c) matrix in the order of ``MODEL_FEATURES``, categories as their codes."""
        return np.column_stack([self.numeric, self.codes]).astype(np.float64)


def customer_rows(rows: pa.Table) -> CustomerRows:
    """Read the model's columns of an Arrow table.

    Raises
    ------
    DataError
        A number that is empty or not finite, or a category that no model has seen, such as a country not in ``CATEGORIES``.
    """
    numeric = np.empty((rows.num_rows, len(NUMERIC)), dtype=np.float64)
    for place, name in enumerate(NUMERIC):
        numeric[:, place] = rows[name].to_numpy()
        if not np.isfinite(numeric[:, place]).all():
            raise DataError(f"Column '{name}' holds a cell that is empty or not a finite number.", "Correct these rows.")
    codes = np.empty((rows.num_rows, len(CATEGORIES)), dtype=np.int32)
    for place, (name, known) in enumerate(CATEGORIES.items()):
        found = pc.index_in(rows[name], value_set=pa.array(known, rows[name].type))
        if found.null_count:
            raise DataError(f"Column '{name}' holds a value that is not one of {', '.join(known)}.", "Correct these rows.")
        codes[:, place] = found.to_numpy()
    return CustomerRows(numeric, codes)


def read_customers(features: Table) -> tuple[CustomerRows, NDArray[np.int8]]:
    """Read a whole feature table: the customers and their labels (n,)."""
    rows = features.read([*MODEL_FEATURES, LABEL])
    return customer_rows(rows), rows[LABEL].to_numpy().astype(np.int8)


def group_names(rows: pa.Table, attribute: str) -> dict[str, NDArray[np.str_]]:
    """Return the groups (n,) of customers by one attribute: ``gender``, ``age_band`` or ``geography``."""
    if attribute == "age_band":
        made = CHURN_FEATURES.parsed_rows.table({"Age": rows["Age"].to_numpy()}, [AGE_BAND])
        bands = made[AGE_BAND].to_numpy()
        return {attribute: np.array(AGE_BANDS)[bands]}
    column = {"gender": "Gender", "geography": "Geography"}[attribute]
    return {attribute: np.asarray(rows[column].to_numpy(zero_copy_only=False), dtype=np.str_)}


def scored_customers(
    features: Table, places: NDArray[np.int64], probability: NDArray[np.float64], score: NDArray[np.float64]
) -> ScoredCustomers:
    """Put scores (m,) beside the labels, balances and groups of the customers at ``places`` (m,) of a feature table."""
    rows = features.read([ROW_NUMBER, "Balance", "Gender", "Age", "Geography", LABEL]).take(places)
    return ScoredCustomers(
        label=rows[LABEL].to_numpy().astype(np.int8),
        probability=probability,
        score=score,
        balance=rows["Balance"].to_numpy(),
        groups={name: names for attribute in ATTRIBUTES for name, names in group_names(rows, attribute).items()},
        row_number=rows[ROW_NUMBER].to_numpy(),
    )
