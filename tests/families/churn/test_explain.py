"""Reasons in words for each column, importance, and the sample that is explained."""

from __future__ import annotations

import numpy as np
import pytest

from fusionguard.evaluation.explanation import Explanation, sample_rows
from fusionguard.families.churn.model import ChurnModel
from fusionguard.families.churn.rows import customer_rows, read_customers
from fusionguard.families.churn.wording import reason_wording
from fusionguard.features.churn import CHURN_FEATURES, LABEL, MODEL_FEATURES
from tests.families.churn.cases import COLUMNS

from .conftest import Trained

VALUES = {
    "CreditScore": (619.0, "credit score 619"),
    "Age": (42.0, "age 42"),
    "Tenure": (2.0, "customer for 2 years"),
    "Balance": (83_807.86, "balance 83,808"),
    "NumOfProducts": (3.0, "has 3 products"),
    "HasCrCard": (1.0, "has a credit card"),
    "IsActiveMember": (0.0, "not an active member"),
    "EstimatedSalary": (101_348.88, "estimated salary 101,349"),
    "has_balance": (1.0, "balance 83,808"),
    "balance_to_salary": (0.8, "balance 83,808"),
    "tenure_to_age": (0.05, "customer for 2 years"),
    "Geography": (1.0, "lives in Germany"),
    "Gender": (0.0, ""),
}
"""A customer's values, and what is said where that column alone raises the risk; of gender, nothing."""


def _explanation(contributions: dict[str, float], **values: float) -> Explanation:
    row = [values.get(name, VALUES[name][0]) for name in MODEL_FEATURES]
    added = [contributions.get(name, 0.0) for name in MODEL_FEATURES]
    return Explanation(np.array([added]), np.array([row]), MODEL_FEATURES, wording=reason_wording(CHURN_FEATURES, COLUMNS))


@pytest.mark.parametrize("column", MODEL_FEATURES)
def test_each_column_has_words(column: str) -> None:
    assert _explanation({column: 0.3}).reasons(3) == [[VALUES[column][1]] if column != "Gender" else []]
    assert _explanation({column: -0.3}).reasons(3) == [[]]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("Tenure", 1.0, "customer for 1 year"),
        ("Tenure", 0.0, "customer for 0 years"),
        ("Balance", 0.0, "no balance"),
        ("NumOfProducts", 1.0, "has 1 product"),
        ("HasCrCard", 0.0, "no credit card"),
        ("IsActiveMember", 1.0, "active member"),
        ("Geography", 0.0, "lives in France"),
        ("Geography", 2.0, "lives in Spain"),
    ],
)
def test_other_values_have_other_words(column: str, value: float, words: str) -> None:
    assert _explanation({column: 0.3}, **{column: value}).reasons() == [[words]]


def test_derived_columns_speak_for_their_source_and_the_largest_comes_first() -> None:
    parts = {"Balance": -0.2, "has_balance": 0.1, "balance_to_salary": 0.05, "Age": 0.5, "tenure_to_age": 0.3, "Tenure": 0.3}
    assert _explanation(parts).reasons(3) == [["customer for 2 years", "age 42"]], "the balance lowers the risk in all"
    assert _explanation(parts | {"balance_to_salary": 0.9}).reasons(2) == [["balance 83,808", "customer for 2 years"]]


def test_gender_is_never_a_reason_and_takes_no_place_of_one() -> None:
    assert _explanation({"Gender": 0.9, "Age": 0.2, "Geography": 0.1}).reasons(2) == [["age 42", "lives in Germany"]]
    assert _explanation({"Gender": 0.9, "Age": 0.2}, Gender=1.0).importance()[0] == ("Gender", 0.9)


def test_a_sample_is_of_the_test_slice(trained: Trained, model: ChurnModel) -> None:
    rows = trained.plan.read_test(trained.features, MODEL_FEATURES, LABEL)
    assert rows.num_rows == trained.plan.test_rows
    assert rows.column_names == [*MODEL_FEATURES, LABEL]
    sample = model.explain(rows.take(sample_rows(rows.num_rows, 50, 1)))
    assert sample.values.shape == (50, len(MODEL_FEATURES))
    customers, _ = read_customers(trained.features, CHURN_FEATURES)
    test = {row.tobytes() for row in customers.take(trained.places[1]).matrix()}
    assert all(row.tobytes() in test for row in sample.values)
    assert len(np.unique(sample.values, axis=0)) == 50


def test_what_features_add_comes_to_the_score(trained: Trained, model: ChurnModel) -> None:
    rows = trained.features.read(None, 0, 20)
    explanation = model.explain(rows)
    assert explanation.contributions.sum(axis=1) + explanation.base == pytest.approx(model.score(rows).score, abs=1e-9)


def test_importance_is_the_mean_size_of_a_contribution(model: ChurnModel, trained: Trained) -> None:
    rows = trained.features.read()
    explanation = model.explain(rows)
    sizes = np.abs(model.contributions(customer_rows(rows, COLUMNS))[:, :-1]).mean(axis=0)
    importance = explanation.importance()
    assert [value for _, value in importance] == sorted(sizes, reverse=True)
    assert dict(importance) == pytest.approx(dict(zip(MODEL_FEATURES, sizes, strict=True)))
    assert {name for name, _ in importance[:3]} == {"Age", "NumOfProducts", "IsActiveMember"}
