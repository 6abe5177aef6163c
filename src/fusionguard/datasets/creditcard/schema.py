"""The raw layout of the card transactions, as Kaggle has them."""

from __future__ import annotations

from fusionguard.data.schema import DatasetSchema

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
    repeating=frozenset({"Time", "Amount"}),
)
