"""Counting a window on Spark: this machine, a cluster (``SPARK_MASTER``), or Spark Connect (``SPARK_REMOTE``).

Spark runs the SQL of a :class:`~.counting.Counting` and, beside each part of the rows, the same tally that DuckDB's batches go
into; only the parts' counts come back, and whole numbers add up to the same in any order. Its processes must see the window, and
the Python environment with FusionGuard, under the same paths as this machine.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusionguard.data.table import Table
from fusionguard.features.spark_engine import require_spark, run_spark
from fusionguard.monitoring.counting import Counting, Progress, Tally

_JOB = "fusionguard.monitoring.spark_counting_job"


@dataclass(frozen=True)
class SparkCounting:
    """Counts the rows of files.

    Parameters
    ----------
    rows
        The window.
    time
        Its column of times, or None.
    scratch
        A folder for what Spark spills and leaves.
    """

    rows: Table
    time: str | None
    scratch: Path

    def count(self, counting: Counting, rows: int, progress: Progress) -> Tally:
        """Return the tally of all rows; ``progress`` is told as parts of the work are done.

        Raises
        ------
        EngineError
            PySpark or Java is missing, the cluster cannot be reached, or the job failed; the message ends with Spark's own.
        """
        require_spark()
        tally = counting.tally()
        scratch = Path(tempfile.mkdtemp(prefix="spark-", dir=self.scratch))
        try:
            job: dict[str, object] = {
                "files": [str(file.resolve()) for file in self.rows.files],
                "time": self.time,
                "sql": counting.sql,
                "numbers": [
                    {"name": number.name, "edges": number.edges.tolist(), "quantiles": number.quantiles.tolist()}
                    for number in counting.numbers
                ],
                "categories": [{"name": category.name, "values": list(category.values)} for category in counting.categories],
                "widths": list(counting.widths),
                "groupings": list(counting.groupings),
                "rows": rows,
                "scratch": str(scratch.resolve()),
                "counts": str((scratch / "counts.npy").resolve()),
            }
            run_spark(_JOB, job, scratch, heard=lambda share: progress(round(share * rows), rows))
            tally.merge(np.load(scratch / "counts.npy", allow_pickle=False))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        progress(rows, rows)
        return tally
