"""A pipeline of three small steps that can fail, wait and be cached like a real one."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
from zenml import pipeline, step

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.report import TableRow
from fusionguard.home import find_home
from fusionguard.registry.run_page import source_tags
from fusionguard.registry.tracking import experiment_id, open_store
from pipelines.summary import Report
from steps.caching import CACHE_POLICY
from steps.this_run import this_run
from steps.workspace import work_folder
from tests.pipelines.toy_entry import ToyConfig


@step
def make(rows: int) -> Annotated[Table, "made"]:
    """Make a table."""
    file = work_folder() / "made.parquet"
    pq.write_table(pa.table({"x": list(range(rows))}), file)
    return Table(file)


@step
def work(made: Table, config: ToyConfig) -> Annotated[Provenance, "provenance"]:
    """Wait, fail, or count the rows."""
    logging.getLogger("fusionguard.toy").info("the toy is at work")
    if config.fail == "domain":
        raise DataError("The toy's data is broken.", "Mend it.")
    if config.fail == "bug":
        raise ZeroDivisionError("a bug")
    if config.fail == "disk":
        raise OSError(28, "No space left on device", "/full/file")
    if config.marker:
        Path(config.marker).write_text(str(os.getpid()))
    end = time.monotonic() + config.wait_seconds
    while time.monotonic() < end:
        time.sleep(0.05)
    return Provenance(dataset="fraud", origin="simulated", description="toy", sha256="0" * 64, rows=made.rows)


@step(enable_cache=False)
def begin_in_mlflow() -> Annotated[str, "mlflow_run"]:
    """Begin a run in MLflow, and leave it running."""
    home, run = find_home(), this_run()
    client = open_store(home)
    experiment, began = experiment_id(home, client, "fusionguard-fraud"), round(run.began.timestamp() * 1000)
    return str(client.create_run(experiment, began, tags=source_tags(run)).info.run_id)


@step(enable_cache=False)
def tell(provenance: Provenance) -> Annotated[Provenance, "told"]:
    """Always run."""
    return provenance


@pipeline(name="toy", cache_policy=CACHE_POLICY)
def toy(config: ToyConfig) -> None:
    """Compose the toy."""
    before = [begin_in_mlflow(id="register_model")] if config.registers else []
    tell(work(make(config.rows), config, after=before))


PIPELINE = toy


def report(outputs: Any) -> Report:
    """What the end of a run tells."""
    return Report(
        data=outputs.load("tell", "told"),
        table=(TableRow("average_precision", "average precision", {"toy": Interval(value=0.5, low=0.4, high=0.6)}, 3),),
        gate={"promoted": True, "reason": "It is a toy."},
        bundle=Path("bundle"),
        model_version="0" * 12,
        registered_as="toy version 1",
        mlflow_run="none",
        model_card=Path("card.md"),
    )
