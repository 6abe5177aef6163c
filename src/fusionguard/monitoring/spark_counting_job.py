"""The process that counts on Spark: ``python -m fusionguard.monitoring.spark_counting_job``, with the job as JSON on stdin."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from fusionguard.features.spark_job import open_session, run_job, tell_progress
from fusionguard.monitoring.counting import MICROS, ROWS, Tally
from fusionguard.monitoring.distributions import CategoryReference, NumberReference

_STATE = "state"


def main() -> int:
    """Read the job, count, and write the sum of all counts."""
    return run_job(_run)


def _run(job: dict[str, Any]) -> None:
    session = open_session(job["scratch"], job["rows"], environment=True)
    try:
        # Read whole numbers and doubles of the batches as they are; the text of the SQL is DuckDB's, too.
        rows = session.read.parquet(*job["files"])
        micros = [f"unix_micros({job['time']}) AS {MICROS}"] if job["time"] else []
        rows.selectExpr("*", *micros).createOrReplaceTempView(ROWS)
        counted = session.sql(job["sql"]).mapInArrow(_counter(job), f"{_STATE} binary")
        with tell_progress(session):
            found = counted.collect()
        tally = _tally(job)
        for row in found:
            tally.merge(np.frombuffer(zlib.decompress(bytes(row[_STATE])), dtype=np.int64))
        np.save(job["counts"], tally.state(), allow_pickle=False)
    finally:
        session.stop()


def _counter(job: dict[str, Any]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what runs beside each part of the rows: batches in, the part's counts out, in one row."""
    own = {name: job[name] for name in ("numbers", "categories", "widths", "groupings")}

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        tally = _tally(own)
        for batch in batches:
            tally.add(batch)
        yield pa.RecordBatch.from_pydict({_STATE: pa.array([zlib.compress(tally.state().tobytes(), 1)], pa.binary())})

    return count


def _tally(job: dict[str, Any]) -> Tally:
    numbers = [_number(each["name"], np.array(each["edges"]), np.array(each["quantiles"])) for each in job["numbers"]]
    categories = [
        CategoryReference(each["name"], tuple(each["values"]), np.zeros(len(each["values"]))) for each in job["categories"]
    ]
    return Tally(numbers, categories, job["widths"], job["groupings"])


def _number(name: str, edges: np.ndarray, quantiles: np.ndarray) -> NumberReference:
    """Bins alone: nobody asks a tally for shares."""
    return NumberReference(name, edges, np.zeros(edges.size + 1), 0.0, quantiles)


if __name__ == "__main__":
    sys.exit(main())
