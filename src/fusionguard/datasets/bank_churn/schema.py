"""The raw layout of the bank's customers, as Kaggle has them."""

from __future__ import annotations

from fusionguard.data.schema import DatasetSchema

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
