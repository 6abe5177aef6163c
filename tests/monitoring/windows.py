"""Windows as the prediction log holds them, drawn from known distributions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from fusionguard.datasets.bank_churn.simulator import draw_customers, load_churn_statistics
from fusionguard.monitoring.window import known_label

DAY_MICROS = 86_400_000_000
START_MICROS = 20_717 * DAY_MICROS
REFERENCE_ROWS = 20_000
_STATISTICS = load_churn_statistics()

Change = Callable[[dict[str, Any], np.random.Generator], None]


def fraud_window(rows: int, seed: int, *, days: float = 8.0, change: Change | None = None) -> pa.Table:
    """Simulated transactions: heavy-tailed components, log-normal amounts of which a fifth is 9.99, and a score of ``V1``."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {f"V{number}": rng.standard_t(5, rows) * (1 + number / 10) for number in range(1, 29)}
    amount = np.round(np.exp(rng.normal(3, 1.2, rows)), 2)
    columns["Amount"] = np.where(rng.random(rows) < 0.2, 9.99, amount)
    columns["hour_of_day"] = rng.integers(0, 24, rows).astype(np.int32)
    columns["amount_fraction_cents"] = (np.round(100 * columns["Amount"]) % 100).astype(np.int32)
    if change is not None:
        change(columns, rng)
    score = np.nan_to_num(np.asarray(columns["V1"], dtype=np.float64)) - 5
    probability = 1 / (1 + np.exp(-score))
    amounts = np.asarray(columns["Amount"], dtype=np.float64)
    decision = np.where(probability * amounts > 3, "review", "accept")
    return _logged(columns, score, probability, decision, rng, days)


def churn_window(rows: int, seed: int, *, days: float = 8.0, change: Change | None = None) -> pa.Table:
    """Simulated customers, who leave with the probability that the model says; ``true_label`` holds whether they do."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = dict(draw_customers(rows, rng, _STATISTICS))
    columns["true_label"] = columns.pop("Exited")
    columns["has_balance"] = (columns["Balance"] > 0).astype(np.int32)
    columns["balance_to_salary"] = columns["Balance"] / columns["EstimatedSalary"]
    columns["tenure_to_age"] = columns["Tenure"] / columns["Age"]
    if change is not None:
        change(columns, rng)
    age = np.asarray(columns["Age"], dtype=np.float64)
    score = -3 + 0.06 * (age - 35) + 0.8 * (np.asarray(columns["Geography"]) == "Germany") - 0.7 * columns["IsActiveMember"]
    probability = 1 / (1 + np.exp(-score))
    return _logged(columns, score, probability, np.where(probability > 0.12, "offer", "none"), rng, days)


def known_at(log: pa.Table, until: datetime, *, negative_after_days: float) -> pa.Table:
    """Rows with the outcomes that a window of the log up to ``until`` has, where positives alone are told."""
    with duckdb.connect() as database:
        database.register("log", log)
        label = database.sql(f"SELECT {known_label(negative_after_days, until)} AS label FROM log").to_arrow_table()["label"]
    return log.set_column(log.column_names.index("label"), "label", label)


def _logged(
    columns: dict[str, Any], score: Any, probability: Any, decision: Any, rng: np.random.Generator, days: float
) -> pa.Table:
    time = START_MICROS + np.sort(rng.random(score.size) * days * DAY_MICROS).astype(np.int64)
    stamps = pa.array(time).cast(pa.timestamp("us", tz="UTC"))
    return pa.table({"time": stamps, **columns, "score": score, "probability": probability, "decision": decision})
