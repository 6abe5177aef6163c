"""Windows of a prediction log, made without a service: simulated rows, answered by a champion, with their outcomes."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from fusionguard.models.family import ScoringModel, model_family
from fusionguard.monitoring.traffic import SIMULATED_PREFIX, Drift, traffic_rows
from fusionguard.serving.fields import request_fields
from fusionguard.serving.prediction_log.schema import (
    LABEL,
    MODEL_VERSION,
    OBSERVED_AT,
    ORIGIN,
    REQUEST_ID,
    ROW,
    SHADOW,
    TIME,
    TIME_TYPE,
    log_schema,
)

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 7
_DAY_MICROS = 86_400_000_000


def make_window(model: ScoringModel, *, rows: int, drift: Drift, size: float, seed: int) -> pa.Table:
    """Return the log's rows of a week of traffic, each with its outcome; drifted ones drift from the third part of it on."""
    family = model_family(model.bundle.manifest.model)
    raw = traffic_rows(family.name, rows, drift=drift, size=size, onset=0.3, seed=seed)
    fields = request_fields(family.name)
    features = fields.features({field.name: raw[field.name].to_numpy() for field in fields.all})
    answers = model.answer(features)
    count = len(raw)
    begin = int(BEGIN.timestamp() * 1e6)
    times = begin + np.sort(np.random.default_rng(seed).integers(0, DAYS * _DAY_MICROS, count))
    known = np.ones(count, dtype=bool)
    if drift is Drift.LABEL_DELAY:
        known[count - round(size * count) :] = False
    columns = {
        REQUEST_ID: pa.array([f"{SIMULATED_PREFIX}{seed}-{number}" for number in range(count)]),
        ROW: pa.array(np.zeros(count, dtype=np.int32)),
        TIME: pa.array(times).cast(TIME_TYPE),
        SHADOW: pa.array(np.zeros(count, dtype=bool)),
        MODEL_VERSION: pa.array([model.bundle.version] * count),
        ORIGIN: pa.array([model.bundle.manifest.origin] * count),
        **{name: answers[name] for name in answers.column_names},
        **{name: features[name] for name in features.column_names},
        LABEL: pa.array(raw[family.schema.label].to_numpy(dtype=np.int8), mask=~known),
        OBSERVED_AT: pa.array(times + _DAY_MICROS, mask=~known).cast(TIME_TYPE),
    }
    schema = log_schema(family.name)
    return pa.table([columns[name] for name in schema.names], names=schema.names).cast(schema)
