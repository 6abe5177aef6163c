"""The fraud features of requests, as the SQL of the features has them, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from fusionguard.families.online_features import feature_table
from fusionguard.families.request_fields import Columns
from fusionguard.features.fraud import FRAUD_FEATURES, V_COLUMNS


def features_of_many(columns: Columns) -> pa.Table:
    """Return V1 to V28, Amount, the hour of the day and the cents of the amount of checked raw columns."""
    time, amount = columns["Time"], columns["Amount"]
    made = {name: columns[name] + 0.0 for name in (*V_COLUMNS, "Amount")}
    made["hour_of_day"] = np.floor(np.fmod(time, 86400.0) / 3600.0)
    made["amount_fraction_cents"] = np.fmod(np.floor(amount * 100.0 + 0.5), 100.0)
    return feature_table(made, FRAUD_FEATURES)


def features_of_one(values: list[Any]) -> list[Any]:
    """Return the same of one checked transaction: its raw values in the order of the fields."""
    time, *components, amount = values
    amount = amount + 0.0
    features = [value + 0.0 for value in components]
    features += (amount, int(time % 86400.0 // 3600.0), int((amount * 100.0 + 0.5) // 1.0 % 100.0))
    return features
