"""A pipeline of a project of your own, made of FusionGuard's steps and one more: ``python own_pipeline.py``, in any folder.

It needs ``fusionguard[pipelines]``, from a wheel or ``make setup``, and runs on whatever ZenML stack is active. Files go below
``FUSIONGUARD_HOME`` (this folder, where that is not set and there is no checkout). A second run takes everything from ZenML's
cache; other ``rows``, a change of your step or another version of FusionGuard make run again what depends on it.

- ``pipeline_options`` names the artifacts (``hourly_raw``, ``hourly_features``) and says when an earlier result is used again.
- Two of the installed packages are called ``steps`` and ``materializers``: call no folder of yours so.
- With them comes a rule: what a step returns is stored by a materializer or refused, never pickled. A frozen pydantic model, a
  ``Table``, figures, models of the libraries used here, and ZenML's own text types have one.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from zenml import pipeline, step

from fusionguard.data.table import Table
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.described import locate
from steps.data.build_features import build_features
from steps.data.check_raw_data import check_raw_data
from steps.data.load_data import load_data
from steps.pipeline_options import pipeline_options

SEED = 7


class Frauds(BaseModel):
    """How many frauds each hour of the day saw."""

    model_config = ConfigDict(frozen=True)

    rows: int
    by_hour: tuple[int, ...]


@step
def count_frauds(raw: Table) -> Annotated[Frauds, "{pipeline}_frauds"]:
    """Count the labelled frauds by the hour since the first transaction's midnight."""
    counts = [0] * 24
    columns = raw.read(["Time", "Class"])
    for seconds, label in zip(columns["Time"].to_pylist(), columns["Class"].to_pylist(), strict=True):
        counts[int(seconds) // 3600 % 24] += label
    return Frauds(rows=raw.rows, by_hour=tuple(counts))


@pipeline(**pipeline_options("hourly"))
def hourly(rows: int) -> None:
    """Simulate transactions, check them, build the model's features of them, and count frauds."""
    declared = find_dataset("creditcard")  # or the path of your own declaration, with its file as the source
    source, fingerprint = locate(declared, "simulated", rows=rows, seed=SEED)
    raw, provenance, dataset = load_data(declared.text, source, rows, SEED, fingerprint)
    contract, _ = check_raw_data(raw, provenance, dataset)
    build_features(raw, provenance, dataset, contract, "duckdb")
    count_frauds(raw)


if __name__ == "__main__":
    hourly(rows=20_000)
