"""The process that runs Spark: ``python -m fusionguard.features.spark_job``, with the job as JSON on standard input."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

DEFAULT_MASTER = "local[2]"
ROW_GROUP_BYTES = 32 * 2**20
ROWS_PER_PARTITION = 250_000
LOCAL_MEMORY = "4g"
"""The heap of a local Spark at most; ``SPARK_DRIVER_MEMORY`` overrides it."""

SMALL_ROWS = 2_000_000
"""Up to here the JVM's optimising compiler costs more time than it saves: a third of all CPU at 285 k rows."""


def main() -> int:
    """Read the job, run its SQL and write the result; what Spark has against it goes to ``error.txt`` in the scratch folder."""
    job = json.load(sys.stdin)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    try:
        _run(job)
    except (PySparkException, Py4JError) as error:
        Path(job["scratch"], "error.txt").write_text(str(error), encoding="utf-8")
        return 1
    return 0


def _run(job: dict[str, Any]) -> None:
    session = _open_session(job["scratch"], job["rows"])
    try:
        session.read.parquet(*job["raw"]).createOrReplaceTempView("raw")
        session.sql(job["rows_sql"]).createOrReplaceTempView(job["rows_view"])
        training_set = session.sql(job["training_set_sql"])
        writer = training_set.write.option("compression", "uncompressed").option("parquet.block.size", ROW_GROUP_BYTES)
        writer.parquet(job["destination"])
    finally:
        session.stop()


def _open_session(scratch: str, rows: int) -> Any:
    from pyspark.sql import SparkSession

    remote = os.environ.get("SPARK_REMOTE")
    builder = SparkSession.builder.appName("fusionguard features")
    partitions = min(max(rows // ROWS_PER_PARTITION, 4), 2_000)
    builder = builder.config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", partitions)
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
            settings["spark.driver.extraJavaOptions"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.master(master).getOrCreate()


if __name__ == "__main__":
    sys.exit(main())
