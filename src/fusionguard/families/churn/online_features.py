"""The churn features of requests, as the SQL of the features has them, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from fusionguard.families.online_features import feature_table
from fusionguard.families.request_fields import Columns
from fusionguard.features.churn import CHURN_FEATURES


def features_of_many(columns: Columns) -> pa.Table:
    """Return the columns and their ratios of checked raw columns."""
    balance, salary = columns["Balance"] + 0.0, columns["EstimatedSalary"] + 0.0
    made = columns | {"Balance": balance, "EstimatedSalary": salary}
    made["has_balance"] = (balance > 0).astype(np.float64)
    made["balance_to_salary"] = balance / (salary + 1e3) + 0.0
    made["tenure_to_age"] = columns["Tenure"] / columns["Age"]
    return feature_table(made, CHURN_FEATURES)


def features_of_one(values: list[Any]) -> list[Any]:
    """Return the same of one checked customer: the raw values in the order of the fields."""
    credit, age, tenure, balance, products, card, active, salary, *texts = values
    balance, salary = balance + 0.0, salary + 0.0
    ratios = (int(balance > 0), balance / (salary + 1e3) + 0.0, tenure / age)
    return [int(credit), int(age), int(tenure), balance, int(products), int(card), int(active), salary, *ratios, *texts]
