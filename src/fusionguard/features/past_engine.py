"""What windows remember, found by Spark: the window build of a large history on a cluster.

As with all that Spark does here, it works in a process of its own; a cluster must see the files under the paths of this machine.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fusionguard.data.table import Table
from fusionguard.datasets.remembering import EVENTS, PastEngine
from fusionguard.errors import UnknownChoiceError
from fusionguard.features.engine import ENGINES
from fusionguard.features.spark_engine import require_spark, run_spark
from fusionguard.features.spark_job import open_session, run_job


class SparkPast:
    """Runs the SQL of what windows remember on Spark."""

    def run(self, query: str, events: Path, destination: Path) -> None:
        """Write what ``query`` finds of a file of events into a new folder, as parquet files.

        Raises
        ------
        EngineError
            PySpark or Java is missing, the cluster cannot be reached, or the job failed; the message ends with Spark's own.
        """
        require_spark()
        with TemporaryDirectory(dir=destination.parent, prefix=".spark-") as scratch:
            job: dict[str, object] = {
                "query": query,
                "events": str(events.resolve()),
                "destination": str(destination.resolve()),
                "scratch": scratch,
                "rows": Table(events).rows,
            }
            run_spark(__name__, job, Path(scratch))


def past_engine(name: str) -> PastEngine | None:
    """Return the engine called ``name``; None for DuckDB, which looks back where the rows are prepared.

    Raises
    ------
    UnknownChoiceError
        There is none of that name.
    """
    if name not in ENGINES:
        raise UnknownChoiceError("engine", name, ENGINES)
    return SparkPast() if name == "spark" else None


def _run(job: dict[str, Any]) -> None:
    session = open_session(job["scratch"], job["rows"])
    try:
        session.read.parquet(job["events"]).createOrReplaceTempView(EVENTS)
        session.sql(job["query"]).write.parquet(job["destination"])
    finally:
        session.stop()


if __name__ == "__main__":
    sys.exit(run_job(_run))
