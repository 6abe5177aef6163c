"""The one way a model reads a slice: the columns it may see, as float32, with labels and weights beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from fusionguard.data.table import Table
from fusionguard.evaluation.splits import Slice
from fusionguard.features.fraud import LABEL, MODEL_FEATURES


@dataclass(frozen=True)
class ModelRows:
    """Rows of one slice: ``x`` (n, f) float32, ``label`` (n,) int8, ``weight`` (n,) float64 back to the real prior."""

    x: np.ndarray
    label: np.ndarray
    weight: np.ndarray

    def part(self, places: slice) -> ModelRows:
        """Return a run of the rows; nothing is copied."""
        return ModelRows(self.x[places], self.label[places], self.weight[places])


def read_slice(features: Table, part: Slice, negative_weight: float) -> ModelRows:
    """Read the rows of one slice whose outcome was known in time; no row outside it is touched."""
    rows = part.read(features, [*MODEL_FEATURES, LABEL])
    label = rows[LABEL].to_numpy().astype(np.int8)
    return ModelRows(matrix(rows), label, np.where(label == 0, negative_weight, 1.0))


def matrix(rows: pa.Table) -> np.ndarray:
    """Return the model's columns of an Arrow table as an (n, f) float32 matrix, in the order of ``MODEL_FEATURES``."""
    x = np.empty((rows.num_rows, len(MODEL_FEATURES)), dtype=np.float32)
    for number, name in enumerate(MODEL_FEATURES):
        x[:, number] = rows[name].to_numpy()
    return x
