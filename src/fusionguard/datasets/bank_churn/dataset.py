"""The bank's customers, as the catalog of what ships has them."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from fusionguard.datasets.bank_churn.contract import raw_suite
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.shipped import ShippedDataset


def _simulate(rows: int, seed: int, columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    from fusionguard.datasets.bank_churn.simulator import load_churn_statistics, simulate_customers

    return simulate_customers(rows, seed, load_churn_statistics(), columns)


BANK_CHURN = ShippedDataset(
    schema=CHURN, published_rows=10_000, rows="customers", suite=raw_suite, simulate=_simulate, package=__package__
)
