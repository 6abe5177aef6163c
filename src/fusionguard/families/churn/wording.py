"""The reasons why customers leave, in words."""

from __future__ import annotations

from fusionguard.evaluation.explanation import Wording
from fusionguard.families.churn.rows import CATEGORIES


def _describe(column: str, value: float) -> str:
    whole = int(value)
    if column == "Geography":
        return f"lives in {CATEGORIES[column][whole]}"
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


REASON_WORDING = Wording(
    describe=_describe,
    speaks_for={"has_balance": "Balance", "balance_to_salary": "Balance", "tenure_to_age": "Tenure"},
    untold=frozenset({"Gender"}),  # nobody can act on it, and a list that names it invites unequal treatment
    categories=CATEGORIES,
)
"""Derived features speak for the column they are made of."""
