"""The reference profile: quantiles and shares of what the model was trained on, which drift is later measured against."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fusionguard.families.churn.rows import CustomerRows

QUANTILES = np.linspace(0.0, 1.0, 101)


def reference_profile(customers: CustomerRows, probability: NDArray[np.float64]) -> pa.Table:
    """Return a long table (column, quantile, category, value).

    Numbers and the calibrated out-of-fold ``probability`` (n,) have a value for each of 101 quantiles and no category;
    categories have the share of each known value and no quantile. Missing numbers have no quantile, missing categories no share.
    """
    columns = customers.columns
    numbers = [(name, customers.numeric[:, place]) for place, name in enumerate(columns.numeric)] + [("probability", probability)]
    rows: list[tuple[str, float | None, str | None, float]] = []
    for name, values in numbers:
        there = values[~np.isnan(values)]
        if not there.size:
            continue
        read = np.quantile(there, QUANTILES, method="inverted_cdf")
        rows += [(name, float(quantile), None, float(value)) for quantile, value in zip(QUANTILES, read, strict=True)]
    for place, (name, known) in enumerate(columns.categories.items()):
        codes = customers.codes[:, place]
        shares = np.bincount(codes[codes >= 0], minlength=len(known)) / max(customers.rows, 1)
        rows += [(name, None, category, float(share)) for category, share in zip(known, shares, strict=True)]
    listed = zip(*rows, strict=True)
    types = (pa.string(), pa.float64(), pa.string(), pa.float64())
    return pa.table(
        [pa.array(column, kind) for column, kind in zip(listed, types, strict=True)],
        names=["column", "quantile", "category", "value"],
    )
