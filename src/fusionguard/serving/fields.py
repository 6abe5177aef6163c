"""The fields of a request: the raw columns a model's features are made of, and how the features are made of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fusionguard.families.catalog import model_family
from fusionguard.families.family import ModelFamily
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.fraud import FRAUD_FEATURES, V_COLUMNS

Columns = dict[str, NDArray[Any]]
"""Raw columns (n,) by name: float64 for numbers, object for texts; what :func:`request_fields` names, no more and no less."""


@dataclass(frozen=True)
class Number:
    """A field that holds a finite number in ``[low, high]``; ``whole`` for one without a fraction."""

    name: str
    low: float
    high: float
    whole: bool = False

    @property
    def expected(self) -> str:
        """What the field must hold, in words."""
        return f"a {'whole' if self.whole else 'finite'} number from {self.low:.15g} to {self.high:.15g}"


@dataclass(frozen=True)
class Choice:
    """A field that holds one of some texts."""

    name: str
    values: tuple[str, ...]

    @property
    def expected(self) -> str:
        """What the field must hold, in words."""
        return "one of " + ", ".join(f"'{value}'" for value in self.values)


Field = Number | Choice


class RequestFields(ABC):
    """The fields of one family's requests."""

    family: ModelFamily
    numbers: tuple[Number, ...]
    choices: tuple[Choice, ...]

    @property
    def all(self) -> tuple[Field, ...]:
        """All fields in the order in which rows are read."""
        return (*self.numbers, *self.choices)

    @abstractmethod
    def features(self, columns: Columns) -> pa.Table:
        """Return the family's model features, typed as in the feature store, of checked raw columns."""

    @abstractmethod
    def features_of_one(self, values: list[Any]) -> list[Any]:
        """Return the model features, in their order, of one checked row: its numbers and choices in the order of the fields."""


class FraudFields(RequestFields):
    """``Time``, ``V1`` to ``V28`` and ``Amount``: a transaction as Kaggle's file has it, without the label."""

    family = model_family("fraud")
    numbers = tuple(Number(name, *FRAUD_FEATURES.limits[name]) for name in ("Time", *V_COLUMNS, "Amount"))
    choices: tuple[Choice, ...] = ()

    def features(self, columns: Columns) -> pa.Table:
        """Return V1 to V28, Amount, the hour of the day and the cents of the amount, as the SQL of the features has them."""
        time, amount = columns["Time"], columns["Amount"]
        made = {name: columns[name] + 0.0 for name in (*V_COLUMNS, "Amount")}
        made["hour_of_day"] = np.floor(np.fmod(time, 86400.0) / 3600.0)
        made["amount_fraction_cents"] = np.fmod(np.floor(amount * 100.0 + 0.5), 100.0)
        return _table(made, FRAUD_FEATURES)

    def features_of_one(self, values: list[Any]) -> list[Any]:
        """Return the same of one transaction."""
        amount = values[29] + 0.0
        features = [value + 0.0 for value in values[1:29]]
        features += (amount, int(values[0] % 86400.0 // 3600.0), int((amount * 100.0 + 0.5) // 1.0 % 100.0))
        return features


class ChurnFields(RequestFields):
    """A customer as Kaggle's file has them, without anything that says who they are and without the label."""

    family = model_family("churn")
    numbers = tuple(
        Number(name, low, high, whole=CHURN_FEATURES.column_types[name] == "int32")
        for name, (low, high) in CHURN_FEATURES.limits.items()
    )
    choices = tuple(Choice(name, known) for name, known in CHURN_FEATURES.known.items())

    def features(self, columns: Columns) -> pa.Table:
        """Return the columns and their ratios, as the SQL of the features has them."""
        balance, salary = columns["Balance"] + 0.0, columns["EstimatedSalary"] + 0.0
        made = columns | {"Balance": balance, "EstimatedSalary": salary}
        made["has_balance"] = (balance > 0).astype(np.float64)
        made["balance_to_salary"] = balance / (salary + 1e3) + 0.0
        made["tenure_to_age"] = columns["Tenure"] / columns["Age"]
        return _table(made, CHURN_FEATURES)

    def features_of_one(self, values: list[Any]) -> list[Any]:
        """Return the same of one customer."""
        credit, age, tenure, balance, products, card, active, salary, *texts = values
        balance, salary = balance + 0.0, salary + 0.0
        ratios = (int(balance > 0), balance / (salary + 1e3) + 0.0, tenure / age)
        return [int(credit), int(age), int(tenure), balance, int(products), int(card), int(active), salary, *ratios, *texts]


def request_fields(model: str) -> RequestFields:
    """Return the fields of ``fraud`` or ``churn`` requests."""
    return FraudFields() if model == "fraud" else ChurnFields()


def _table(columns: Columns, definition: FeatureDefinition) -> pa.Table:
    types = {name: pa.type_for_alias(definition.column_types[name]) for name in definition.model_features}
    arrays = [
        pa.array(columns[name].astype(np.int32) if pa.types.is_int32(kind) else columns[name], kind)
        for name, kind in types.items()
    ]
    return pa.table(arrays, schema=pa.schema(list(types.items())))
