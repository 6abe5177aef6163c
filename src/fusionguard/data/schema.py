"""The data sets FusionGuard knows: their columns, types, label, and where Kaggle keeps them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Literal

from fusionguard.errors import UnknownChoiceError

ColumnType = Literal["float", "integer", "text"]


@dataclass(frozen=True)
class DatasetSchema:
    """The layout of a raw data set.

    Parameters
    ----------
    name
        What the project calls it: ``fraud`` or ``churn``.
    columns
        Column names in the file's order, with their types.
    label
        The column that holds the outcome, 0 or 1.
    kaggle
        The ``owner/name`` of the data set on Kaggle.
    file_name
        The name of the CSV file in Kaggle's layout.
    private
        Columns that say who somebody is: their values never appear in a message, a report or a preview.
    optional
        Columns that a table may lack: no model reads them, and where they are they are kept and checked.
    """

    name: str
    columns: dict[str, ColumnType]
    label: str
    kaggle: str
    file_name: str
    private: frozenset[str] = field(default_factory=frozenset)
    optional: frozenset[str] = field(default_factory=frozenset)

    def within(self, names: Collection[str]) -> DatasetSchema:
        """Return the layout of a table that has the columns ``names``: this one without the optional columns that it lacks."""
        columns = {name: kind for name, kind in self.columns.items() if name in names or name not in self.optional}
        return replace(self, columns=columns)


FRAUD = DatasetSchema(
    name="fraud",
    columns={
        "Time": "float",
        **{f"V{number}": "float" for number in range(1, 29)},
        "Amount": "float",
        "Class": "integer",
    },
    label="Class",
    kaggle="mlg-ulb/creditcardfraud",
    file_name="creditcard.csv",
)

CHURN = DatasetSchema(
    name="churn",
    columns={
        "RowNumber": "integer",
        "CustomerId": "integer",
        "Surname": "text",
        "CreditScore": "integer",
        "Geography": "text",
        "Gender": "text",
        "Age": "integer",
        "Tenure": "integer",
        "Balance": "float",
        "NumOfProducts": "integer",
        "HasCrCard": "integer",
        "IsActiveMember": "integer",
        "EstimatedSalary": "float",
        "Exited": "integer",
    },
    label="Exited",
    kaggle="barelydedicated/bank-customer-churn-modeling",
    file_name="Churn_Modelling.csv",
    private=frozenset({"CustomerId", "Surname"}),
    optional=frozenset({"RowNumber", "CustomerId", "Surname"}),
)

_SCHEMAS = {schema.name: schema for schema in (FRAUD, CHURN)}


def dataset_schema(name: str) -> DatasetSchema:
    """Return the schema called ``name``; raise :class:`UnknownChoiceError` with the known ones otherwise."""
    if name not in _SCHEMAS:
        raise UnknownChoiceError("data set", name, _SCHEMAS)
    return _SCHEMAS[name]
