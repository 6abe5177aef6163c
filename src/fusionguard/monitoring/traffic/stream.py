"""The rows of simulated traffic: undrifted at first, drifted from the onset on."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from fusionguard.data.schema import dataset_schema
from fusionguard.data.simulator import simulate
from fusionguard.monitoring.traffic.drifts import POOL, drift_rows
from fusionguard.monitoring.traffic.kinds import CHOSEN, Drift


def traffic_rows(model: str, rows: int, *, drift: Drift, size: float, onset: float, seed: int) -> pd.DataFrame:
    """Return raw rows (the file's columns, its label among them) in the order in which they are sent.

    The simulator's population is that of ``--source simulated`` runs, from another seed; its rows are shuffled, so that each
    part of the stream is like any other. ``onset`` is the share of the stream after which the drift begins.
    """
    schema = dataset_schema(model)
    before = round(rows * onset) if drift not in (Drift.NONE, Drift.LABEL_DELAY) else rows
    after = rows - before
    with tempfile.TemporaryDirectory(prefix="fusionguard-traffic-") as folder:
        wanted = before + after * (POOL if drift in CHOSEN else 1)
        pool = simulate(schema, max(wanted, 100), seed, Path(folder) / "raw.parquet")
        everything = pd.read_parquet(pool.path).sample(frac=1.0, random_state=seed).reset_index(drop=True)
    calm = everything.iloc[:before]
    if not after:
        return calm.reset_index(drop=True)
    stormy = drift_rows(everything.iloc[before:wanted].reset_index(drop=True), schema, drift, size, after, seed)
    return pd.concat([calm, stormy], ignore_index=True)
