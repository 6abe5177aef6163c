"""The card transactions, as the catalog of what ships has them."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from fusionguard.datasets.creditcard.contract import USUAL_SHARE, raw_suite
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.datasets.shipped import ShippedDataset


def _simulate(rows: int, seed: int, columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    from fusionguard.datasets.creditcard.fraud_model import load_statistics
    from fusionguard.datasets.creditcard.simulator import simulate_batches

    return simulate_batches(rows, seed, load_statistics(), columns)


CREDITCARD = ShippedDataset(
    schema=FRAUD,
    published_rows=284_807,
    rows="transactions",
    suite=raw_suite,
    simulate=_simulate,
    package=__package__,
    usual_share=USUAL_SHARE,
)
