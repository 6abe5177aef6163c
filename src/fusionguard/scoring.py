"""Batch scoring: a file of raw rows in, a file of scores and decisions out, in memory that does not grow with the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fusionguard.data.ingest import read_raw
from fusionguard.data.table import Table
from fusionguard.errors import UsageError
from fusionguard.features.duckdb_engine import score_rows
from fusionguard.models.family import ModelFamily, ScoringModel, model_family
from fusionguard.output import output_suffix, row_writer, scratch_folder

BATCH_ROWS = 200_000
"""Rows scored at a time."""

REASONS_TOLD = 3
"""Reason codes told for a flagged row, at most."""


@dataclass(frozen=True)
class ScoreSummary:
    """What a scoring run did: the rows it scored and how many of them ask for somebody's attention."""

    rows: int
    flagged: int


def score_columns(family: ModelFamily) -> pa.Schema:
    """Return the columns of a file of scores.

    ``row`` counts the input's rows of data from 1; then come the family's ``outputs``; ``model_version`` is the first 12 digits
    of the bundle's SHA-256.
    """
    return pa.schema([("row", pa.int64()), *family.answer_columns, ("model_version", pa.string())])


def score_file(model: ScoringModel, input_file: Path, output_file: Path) -> ScoreSummary:
    """Score every row of a file in Kaggle's layout, with or without the label (which is not used), and keep their order.

    Parameters
    ----------
    model
        A model of any family; its bundle names the family.
    input_file
        CSV (plain, gzip or zip) or parquet.
    output_file
        ``.csv``, ``.csv.gz`` or ``.parquet``; replaced when the last row has been scored, and untouched if anything fails.

    Raises
    ------
    UsageError
        The input does not exist, the output's suffix is unknown, or both are the same file.
    DataError
        The input cannot be read as rows of the family, or a cell is empty, unknown or out of range.
    StorageError
        The output's folder is full or cannot be written.
    """
    output_suffix(output_file)
    if output_file.is_dir():
        raise UsageError(f"'{output_file}' is a folder.", "Name a file for the scores.")
    if output_file.exists() and input_file.exists() and output_file.samefile(input_file):
        raise UsageError(f"'{output_file}' is both input and output.", "Write the scores to another file.")
    family = model_family(model.bundle.manifest.model)
    with scratch_folder(output_file) as scratch:
        raw = read_raw(input_file, family.schema, scratch / "raw.parquet", only=family.features.model_columns)
        features = score_rows(family.features, raw, scratch / "features.parquet")
        raw.path.unlink()
        rows = flagged = 0
        with row_writer(output_file, score_columns(family)) as writer:
            for batch in _score_batches(model, family, features):
                writer.write_batch(batch)
                rows += batch.num_rows
                flagged += int(pc.sum(pc.equal(batch["decision"], family.flagged)).as_py())
    return ScoreSummary(rows, flagged)


def _score_batches(model: ScoringModel, family: ModelFamily, features: Table) -> Iterator[pa.RecordBatch]:
    first_row = 1
    for file in features.files:
        with pq.ParquetFile(file, pre_buffer=False) as parquet:  # else the whole file stays in memory
            for rows in parquet.iter_batches(BATCH_ROWS, columns=list(family.features.model_features)):
                yield _score(model, family, rows, first_row)
                first_row += rows.num_rows


def _score(model: ScoringModel, family: ModelFamily, rows: pa.RecordBatch, first_row: int) -> pa.RecordBatch:
    answer = model.answer(pa.Table.from_batches([rows]), reasons=REASONS_TOLD)
    columns = [
        pa.array(np.arange(first_row, first_row + rows.num_rows)),
        *(answer[name].combine_chunks() for name in family.outputs),
        pa.array([model.version]).take(pa.array(np.zeros(rows.num_rows, dtype=np.int8))),
    ]
    return pa.record_batch(columns, schema=score_columns(family))
