"""The process that runs Spark: ``python -m fusionguard.features.spark_job``, with the job as JSON on standard input."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any

DEFAULT_MASTER = "local[2]"
ROW_GROUP_BYTES = 32 * 2**20
ROWS_PER_PARTITION = 250_000
LOCAL_MEMORY = "4g"
"""The heap of a local Spark at most; ``SPARK_DRIVER_MEMORY`` overrides it."""

SMALL_ROWS = 2_000_000
"""Up to here the JVM's optimising compiler costs more time than it saves: a third of all CPU at 285 k rows."""


PROGRESS = "fusionguard: share done "
"""How a line of standard output begins that tells progress."""

_TELL_SECONDS = 1.0


def main() -> int:
    """Read the job, run its SQL and write the result."""
    return run_job(_run)


def run_job(run: Callable[[dict[str, Any]], None]) -> int:
    """Run the job that standard input holds; what Spark has against it goes to ``error.txt`` in the job's scratch folder."""
    job = json.load(sys.stdin)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    try:
        run(job)
    except (PySparkException, Py4JError) as error:
        Path(job["scratch"], "error.txt").write_text(str(error), encoding="utf-8")
        return 1
    return 0


def _run(job: dict[str, Any]) -> None:
    session = open_session(job["scratch"], job["rows"])
    try:
        _read_raw(session, job["raw"], job["row_column"]).createOrReplaceTempView("raw")
        session.sql(job["rows_sql"]).createOrReplaceTempView(job["rows_view"])
        training_set = session.sql(job["training_set_sql"])
        writer = training_set.write.option("compression", "uncompressed").option("parquet.block.size", ROW_GROUP_BYTES)
        writer.parquet(job["destination"])
    finally:
        session.stop()


def _read_raw(session: Any, files: list[str], row_column: str | None) -> Any:
    """Read parquet files, in their order, with the place of each row from 0 where it has a name."""
    if row_column is None:
        return session.read.parquet(*files)
    numbered, before = [], 0
    for file in files:
        rows = session.read.parquet(file)
        numbered.append(rows.selectExpr("*", f"_metadata.row_index + {before} AS {row_column}"))
        before += rows.count() if file != files[-1] else 0
    return reduce(lambda first, second: first.unionAll(second), numbered)


@contextmanager
def tell_progress(session: Any) -> Iterator[None]:
    """Print, about once a second while the block runs, which share of Spark's tasks is done; Spark Connect does not tell."""
    if os.environ.get("SPARK_REMOTE"):
        yield
        return
    tracker, ended = session.sparkContext.statusTracker(), threading.Event()

    def tell() -> None:
        while not ended.wait(_TELL_SECONDS):
            stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
            tasks = sum(stage.numTasks for stage in stages if stage)
            if tasks:
                done = sum(stage.numCompletedTasks for stage in stages if stage)
                sys.stdout.write(f"{PROGRESS}{done / tasks:.3f}\n")
                sys.stdout.flush()

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def open_session(scratch: str, rows: int, *, environment: bool = False) -> Any:
    """Open Spark for about so many rows; with ``environment``, its Python processes find the packages that this one finds."""
    from pyspark.sql import SparkSession

    remote = os.environ.get("SPARK_REMOTE")
    builder = SparkSession.builder.appName("fusionguard features")
    builder = builder.config("spark.sql.requireAllClusterKeysForCoPartition", "false")  # rows that lie together stay so in joins
    partitions = min(max(rows // ROWS_PER_PARTITION, 4), 2_000)
    builder = builder.config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", partitions)
    if environment:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = builder.config("spark.executorEnv.PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    if remote:
        return builder.remote(remote).getOrCreate()
    master = os.environ.get("SPARK_MASTER") or DEFAULT_MASTER
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(Path(scratch) / "warehouse"),
        "spark.local.dir": scratch,
    }
    if master.startswith("local"):
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        settings["spark.driver.memory"] = os.environ.get("SPARK_DRIVER_MEMORY", LOCAL_MEMORY)
        if rows <= SMALL_ROWS:
            settings["spark.driver.extraJavaOptions"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=240m"
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.master(master).getOrCreate()


if __name__ == "__main__":
    sys.exit(main())
