"""Scores prepared rows on Spark: ``python -m fusionguard.spark_scoring``, with the job as JSON on standard input.

The model answers beside each part of the rows, as it answers here; only the answers come back. A cluster must see the files, the
bundle and the Python environment with FusionGuard under the paths of this machine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from fusionguard.data.table import Table
from fusionguard.families.family import ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.features.duckdb_engine import connection, literal
from fusionguard.features.spark_engine import require_spark, run_spark
from fusionguard.features.spark_job import open_session, run_job
from fusionguard.models.bundle import Bundle

_PLACE = "_place"
"""The place of a row in the table, from 0; no prepared column is called so."""


def answer_batch(model: ScoringModel, family: ModelFamily, rows: pa.RecordBatch, reasons: int) -> pa.RecordBatch:
    """Return the family's answers for rows of model features, and the model's version."""
    answer = model.answer_features(pa.Table.from_batches([rows]), reasons=reasons)
    version = pa.array([model.version] * rows.num_rows, pa.string())
    columns = [*(answer[name].combine_chunks() for name in family.outputs), version]
    return pa.record_batch(columns, names=[*family.outputs, "model_version"])


def answers_by_spark(
    model: ScoringModel, family: ModelFamily, features: Table, reasons: int, batch_rows: int, scratch: Path
) -> Iterator[pa.RecordBatch]:
    """Yield what :func:`answer_batch` gives for every row of a file of features, in its order.

    Raises
    ------
    EngineError
        PySpark or Java is missing, the cluster cannot be reached, or the job failed; the message ends with Spark's own.
    """
    require_spark()
    answers = scratch / "answers"
    with TemporaryDirectory(dir=scratch, prefix=".spark-") as folder:
        job: dict[str, object] = {
            "bundle": str(model.bundle.folder.resolve()),
            "features": str(features.path.resolve()),
            "columns": list(family.features.model_features),
            "answers": str(answers.resolve()),
            "reasons": reasons,
            "rows": features.rows,
            "scratch": folder,
        }
        run_spark(__name__, job, Path(folder))
    with connection(scratch) as database:
        listed = ", ".join([*family.outputs, "model_version"])
        query = f"SELECT {listed} FROM read_parquet({literal(answers / '*.parquet')}) ORDER BY {_PLACE}"
        yield from database.sql(query).to_arrow_reader(batch_rows)


def _run(job: dict[str, Any]) -> None:
    session = open_session(job["scratch"], job["rows"], environment=True)
    try:
        family = family_of(Bundle(Path(job["bundle"])))
        kinds = {field.name: field.type for field in family.answer_columns} | {"model_version": pa.string()}
        columns = [f"{_PLACE} long", *(f"{name} {_SPARK_TYPES[kinds[name]]}" for name in (*family.outputs, "model_version"))]
        rows = session.read.parquet(job["features"]).selectExpr(f"_metadata.row_index AS {_PLACE}", *job["columns"])
        rows.mapInArrow(_answering(job["bundle"], job["reasons"]), ", ".join(columns)).write.parquet(job["answers"])
    finally:
        session.stop()


_SPARK_TYPES = {pa.int64(): "long", pa.int32(): "int", pa.float64(): "double", pa.string(): "string", pa.bool_(): "boolean"}


def _answering(bundle: str, reasons: int) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what runs beside each part of the rows: batches of features in, batches of answers out."""

    def answer(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        opened = Bundle.open(Path(bundle))
        family = family_of(opened)
        model = family.load(opened)
        for batch in batches:
            if batch.num_rows:
                places = batch.column(0)
                told = answer_batch(model, family, batch.select(batch.schema.names[1:]), reasons)
                yield told.add_column(0, _PLACE, places)

    return answer


if __name__ == "__main__":
    sys.exit(run_job(_run))
