"""Windows of simulated traffic, laid down as the prediction log that a service would have written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.monitoring.windows import make_window
from fusionguard.families.catalog import model_family
from fusionguard.families.family import LABEL
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.traffic import Drift, usual_size
from fusionguard.serving.prediction_log import append_labels
from fusionguard.serving.prediction_log.parts import part_name, write_part
from fusionguard.serving.prediction_log.schema import OBSERVED_AT, REQUEST_ID, ROW, part_schema


def log_drift(log: Path, bundle: Bundle, drift: Drift, *, rows: int, size: float | None = None, seed: int = 11) -> pa.Table:
    """Write a week of a champion's answers to the log in ``log``, in three parts, and their outcomes; return the rows."""
    name = bundle.manifest.model
    size = usual_size(name, drift) if size is None else size
    window = make_window(model_family(name).load(bundle), rows=rows, drift=drift, size=size, seed=seed)
    log_window(log, name, window)
    return window


def log_window(log: Path, model: str, window: pa.Table, parts: int = 3) -> None:
    """Write rows with their outcomes as a log."""
    (log / model).mkdir(parents=True, exist_ok=True)
    schema = part_schema(model)
    each = -(-window.num_rows // parts)
    for number in range(parts):
        rows = window.slice(number * each, each).select(schema.names).cast(schema)
        write_part(log / model / part_name(1, number, "test"), rows)
    known = window.filter(pc.is_valid(window[LABEL]))
    observed = pc.cast(known[OBSERVED_AT], pa.int64()).to_pylist()
    columns = (known[REQUEST_ID].to_pylist(), known[ROW].to_pylist(), known[LABEL].to_pylist(), observed)
    append_labels(log, model, zip(*columns, strict=True))
