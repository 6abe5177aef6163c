"""Why the model expects a customer to leave: exact tree SHAP values, and the top drivers in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fusionguard.data.table import Table
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.model import ChurnModel
from fusionguard.families.churn.rows import CATEGORIES, CustomerRows, customer_rows, read_customers
from fusionguard.features.churn import MODEL_FEATURES

Floats = NDArray[np.float64]

_UNTOLD = ("Gender",)
"""Not told as a reason: nobody can act on it, and a list that names it invites unequal treatment. Importance shows its weight."""

_FAMILIES: dict[str, str] = {"has_balance": "Balance", "balance_to_salary": "Balance", "tenure_to_age": "Tenure"}
"""Derived features speak for the column they are made of: a person who reads reasons knows no ratios."""


@dataclass(frozen=True)
class Explanation:
    """``contributions`` (n, k) to the calibrated log-odds and the ``values`` (n, k) behind them; ``names`` has k entries."""

    contributions: Floats
    values: Floats
    names: tuple[str, ...] = MODEL_FEATURES

    def importance(self) -> list[tuple[str, float]]:
        """Return (name, mean absolute contribution), largest first."""
        means = np.abs(self.contributions).mean(axis=0)
        return sorted(zip(self.names, means.tolist(), strict=True), key=lambda pair: -pair[1])

    def reasons(self, top: int = 3) -> list[list[str]]:
        """Return for each customer what raises their risk most, in words, largest first, ``top`` at most; never gender."""
        families = [_FAMILIES.get(name, name) for name in self.names]
        columns = [name for name in dict.fromkeys(families) if name not in _UNTOLD]
        summed = np.column_stack(
            [
                self.contributions[:, [place for place, family in enumerate(families) if family == column]].sum(axis=1)
                for column in columns
            ]
        )
        order = np.argsort(-summed, axis=1, kind="stable")[:, :top]
        return [
            [self._words(columns[place], row) for place in places if summed[row, place] > 0] for row, places in enumerate(order)
        ]

    def _words(self, column: str, row: int) -> str:
        value = self.values[row, self.names.index(column)]
        if column == "Geography":
            return f"lives in {CATEGORIES[column][int(value)]}"
        return _describe(column, value)


def explain(model: ChurnModel, rows: pa.Table) -> Explanation:
    """Explain every row, which holds ``MODEL_FEATURES``: about 0.1 ms a row."""
    return explain_customers(model, customer_rows(rows))


def explain_sample(model: ChurnModel, features: Table, plan: HoldoutPlan, *, rows: int, seed: int) -> Explanation:
    """Explain at most ``rows`` customers of the test slice, drawn by ``seed``."""
    customers, label = read_customers(features)
    _, test = plan.places(label)
    chosen = np.random.default_rng(seed).choice(test, size=min(rows, test.size), replace=False)
    return explain_customers(model, customers.take(np.sort(chosen)))


def explain_customers(model: ChurnModel, customers: CustomerRows) -> Explanation:
    """Explain customers that have been read already."""
    return Explanation(model.contributions(customers)[:, :-1], customers.matrix())


def _describe(column: str, value: float) -> str:
    whole = int(value)
    if column == "Age":
        return f"age {whole}"
    if column == "NumOfProducts":
        return f"has {whole} product{'s' if whole != 1 else ''}"
    if column == "IsActiveMember":
        return "active member" if whole else "not an active member"
    if column == "HasCrCard":
        return "has a credit card" if whole else "no credit card"
    if column == "Balance":
        return f"balance {value:,.0f}" if value > 0 else "no balance"
    if column == "Tenure":
        return f"customer for {whole} year{'s' if whole != 1 else ''}"
    if column == "CreditScore":
        return f"credit score {whole}"
    return f"estimated salary {value:,.0f}"
