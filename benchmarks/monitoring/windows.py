"""Windows of a prediction log, made without a service: simulated rows, answered by a champion, with their outcomes."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from fusionguard.families.family import LABEL, TIME
from fusionguard.families.of_bundle import family_of
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.monitoring.traffic import SIMULATED_PREFIX, Drift, traffic_rows
from fusionguard.monitoring.traffic.drifts import absent
from fusionguard.serving.prediction_log.schema import (
    MODEL_VERSION,
    OBSERVED_AT,
    ORIGIN,
    REQUEST_ID,
    ROW,
    SHADOW,
    TIME_TYPE,
    log_schema,
)

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 7
_DAY_MICROS = 86_400_000_000
_HOUR_MICROS = 3_600_000_000
_ONSET = 0.3


def make_window(model: ScoringModel, *, rows: int, drift: Drift, size: float, seed: int) -> pa.Table:
    """Return the log's rows of a week of traffic, each with its outcome; drifted ones drift from the third part of it on."""
    family = family_of(model.bundle)
    raw = traffic_rows(family.name, rows, drift=drift, size=size, onset=_ONSET, seed=seed)
    features = family.make_features(raw)
    answers = model.answer_features(features)
    count = len(raw)
    times = _times(count, drift, size, seed)
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


def _times(rows: int, drift: Drift, size: float, seed: int) -> np.ndarray:
    """Return when rows (n,) are answered: evenly over the week, but for those of a burst and of hours that do not come."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, DAYS * _DAY_MICROS, rows))
    before = round(rows * _ONSET)
    if drift is Drift.BURST:
        copies = round(size * (rows - before))
        times = np.sort(rng.integers(0, DAYS * _DAY_MICROS, rows - copies))
        hour = np.sort(times[before] + rng.integers(0, _HOUR_MICROS, copies))
        times = np.concatenate([times[:before], hour, np.maximum(times[before:], hour[-1])])
    elif drift is Drift.ABSENT_HOURS:
        left = rng.integers(0, DAYS * _DAY_MICROS, 4 * rows)
        left = left[(left >= times[before]) & ~absent(left / 1e6, size)]
        times = np.concatenate([times[:before], np.sort(left[: rows - before])])
    return int(BEGIN.timestamp() * 1e6) + times
