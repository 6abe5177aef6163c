"""Batch scoring: a file of transactions in, a file of scores and decisions out, in memory that does not grow with the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fusionguard.data.ingest import read_raw
from fusionguard.data.schema import FRAUD
from fusionguard.data.table import Table
from fusionguard.errors import UsageError
from fusionguard.features.duckdb_engine import score_rows
from fusionguard.features.fraud import FRAUD_FEATURES, MODEL_FEATURES
from fusionguard.models.fraud.explain import explain
from fusionguard.models.fraud.model import FraudModel
from fusionguard.output import output_suffix, row_writer, scratch_folder

BATCH_ROWS = 200_000
"""Rows scored at a time."""

REASONS = 3
"""Reason codes told for an alert, at most."""

REVIEW, ACCEPT = "review", "accept"

COLUMNS = pa.schema(
    [
        ("row", pa.int64()),
        ("score", pa.float64()),
        ("probability", pa.float64()),
        ("decision", pa.string()),
        ("expected_saving", pa.float64()),
        ("reasons", pa.string()),
        ("model_version", pa.string()),
    ]
)
"""The columns of a file of scores.

``row`` counts the input's rows of data from 1; ``score`` ranks (calibrated log-odds); ``probability`` is calibrated to the real
prior; ``decision`` is ``review`` (an alert) or ``accept``; ``expected_saving`` is what a review is expected to save, in the
currency of the amounts; ``reasons`` names what raises the risk of an alert most, separated by ``; ``, and is empty otherwise;
``model_version`` is the first 12 digits of the bundle's SHA-256.
"""


@dataclass(frozen=True)
class ScoreSummary:
    """What a scoring run did: the rows it scored and how many of them became alerts."""

    rows: int
    alerts: int


def score_file(model: FraudModel, input_file: Path, output_file: Path) -> ScoreSummary:
    """Score every transaction of a file in Kaggle's layout, with or without ``Class`` (which is not used), and keep their order.

    Parameters
    ----------
    input_file
        CSV (plain, gzip or zip) or parquet.
    output_file
        ``.csv``, ``.csv.gz`` or ``.parquet``; replaced when the last row has been scored, and untouched if anything fails.

    Raises
    ------
    UsageError
        The input does not exist, the output's suffix is unknown, or both are the same file.
    DataError
        The input cannot be read as transactions, or a cell is empty, not finite or below zero where it must not be.
    StorageError
        The output's folder is full or cannot be written.
    """
    output_suffix(output_file)
    if output_file.is_dir():
        raise UsageError(f"'{output_file}' is a folder.", "Name a file for the scores.")
    if output_file.exists() and input_file.exists() and output_file.samefile(input_file):
        raise UsageError(f"'{output_file}' is both input and output.", "Write the scores to another file.")
    with scratch_folder(output_file) as scratch:
        raw = read_raw(input_file, FRAUD, scratch / "raw.parquet", require_label=False)
        features = score_rows(FRAUD_FEATURES, raw, scratch / "features.parquet")
        raw.path.unlink()
        rows = alerts = 0
        with row_writer(output_file, COLUMNS) as writer:
            for batch in _score_batches(model, features):
                writer.write_batch(batch)
                rows += batch.num_rows
                alerts += int(pc.sum(pc.equal(batch["decision"], REVIEW)).as_py())
    return ScoreSummary(rows, alerts)


def _score_batches(model: FraudModel, features: Table) -> Iterator[pa.RecordBatch]:
    first_row = 1
    for file in features.files:
        with pq.ParquetFile(file, pre_buffer=False) as parquet:  # else the whole file stays in memory
            for rows in parquet.iter_batches(BATCH_ROWS, columns=list(MODEL_FEATURES)):
                yield _score(model, rows, first_row)
                first_row += rows.num_rows


def _score(model: FraudModel, rows: pa.RecordBatch, first_row: int) -> pa.RecordBatch:
    table = pa.Table.from_batches([rows])
    scores = model.score(table)
    amount = rows["Amount"].to_numpy()
    review = model.policy.decide(scores.probability, amount)
    columns = [
        pa.array(np.arange(first_row, first_row + rows.num_rows)),
        pa.array(scores.score),
        pa.array(scores.probability),
        pa.array(np.where(review, REVIEW, ACCEPT)),
        pa.array(model.policy.expected_saving(scores.probability, amount)),
        pa.array(_reasons(model, table, review), pa.string()),
        pa.array([model.version]).take(pa.array(np.zeros(rows.num_rows, dtype=np.int8))),
    ]
    return pa.record_batch(columns, schema=COLUMNS)


def _reasons(model: FraudModel, rows: pa.Table, review: NDArray[np.bool_]) -> list[str]:
    reasons = [""] * rows.num_rows
    flagged = np.flatnonzero(review)
    if flagged.size:
        codes = explain(model, rows.take(flagged)).reason_codes(REASONS)
        for row, names in zip(flagged, codes, strict=True):
            reasons[row] = "; ".join(names)
    return reasons
