"""The plain script, measured on the same simulated rows as the fraud run."""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.measure import Measurement, fresh_environment, measure, python
from benchmarks.sizes import Sizes
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.datasets.simulated import simulate

SEED = 7
"""The seed of pipelines/fraud.yaml, so that the rows are the same."""


def measure_plain_script(sizes: Sizes, folder: Path) -> Measurement:
    """Write the CSV file, which does not count, then run and measure the script."""
    folder.mkdir(parents=True, exist_ok=True)
    csv = folder / FRAUD.file_name
    raw = simulate(FRAUD, sizes.fraud.rows, SEED, folder / "raw.parquet")
    with pq.ParquetFile(raw.path) as parquet, pyarrow.csv.CSVWriter(csv, parquet.schema_arrow) as writer:
        for batch in parquet.iter_batches():
            writer.write_batch(batch)
    effort = {"--trees": sizes.plain_trees, "--epochs": sizes.plain_epochs, "--explained-rows": sizes.plain_explained_rows}
    options = [str(part) for pair in effort.items() for part in pair]
    command = python("-m", "benchmarks.plain_script", csv, folder / "output", *options)
    return measure(command, environment=fresh_environment(folder))
