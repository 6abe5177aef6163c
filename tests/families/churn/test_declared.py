"""A churn model of a declared data set: gaps, unknown categories, its own groups and words; one row as a table of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.datasets.described import read_described
from fusionguard.datasets.prepared_names import OTHER
from fusionguard.datasets.reading import read_declaration
from fusionguard.errors import DataError, UsageError
from fusionguard.families.churn.contacts import contact_list
from fusionguard.families.churn.fairness_config import FairnessConfig
from fusionguard.families.churn.groups import MOST_GROUPS, NOT_KNOWN, THE_OTHERS, group_names, mitigated_attribute
from fusionguard.families.churn.model import ChurnModel
from fusionguard.families.churn.online import OnlineChurnModel
from fusionguard.families.churn.out_of_fold import out_of_fold_table
from fusionguard.families.churn.references import LOGISTIC_REGRESSION, score_reference
from fusionguard.families.churn.rows import NO_CODE, CustomerColumns, amounts, customer_rows, read_customers, scored_customers
from fusionguard.families.churn.wording import number_text, reason_wording
from fusionguard.families.of_bundle import family_of
from fusionguard.features.definition import Segmentation
from tests.telco import CONFIG, DeclaredModel, train_declared

ROW = {
    "Months_as_customer": 3.0,
    "Calls_to_support": 4.0,
    "Monthly_Charges": 80.5,
    "calls_a_month": 1.0,
    "Contract": "month to month",
    "Payment_Method": "card",
    "Region": "North",
}


def table_of(model: DeclaredModel, *rows: dict[str, Any]) -> pa.Table:
    """Return rows of model features with some values changed."""
    whole = [ROW | row for row in rows]
    kinds = model.definition.column_types
    return pa.table({name: pa.array([row[name] for row in whole], pa.type_for_alias(kinds[name])) for name in ROW})


@pytest.fixture(scope="module")
def loaded(telco_model: DeclaredModel) -> ChurnModel:
    found = family_of(telco_model.bundle).load(telco_model.bundle)
    assert isinstance(found, ChurnModel)
    return found


def test_gaps_have_no_code_and_unknown_values_one_of_their_own(telco_model: DeclaredModel) -> None:
    columns = CustomerColumns.of(telco_model.definition)
    assert columns.names == telco_model.definition.model_features == tuple(ROW)
    assert columns.missing == {"Calls_to_support", "calls_a_month", "Payment_Method"}
    rows = customer_rows(table_of(telco_model, {}, {"Calls_to_support": None, "Payment_Method": None, "Region": OTHER}), columns)
    contracts, ways, regions = columns.categories.values()
    assert rows.codes.tolist() == [
        [contracts.index("month to month"), ways.index("card"), regions.index("North")],
        [contracts.index("month to month"), NO_CODE, regions.index(OTHER)],
    ]
    assert regions[-1] == OTHER and np.isnan(rows.numeric[1, 1]) and rows.numeric[0].tolist() == [3.0, 4.0, 80.5, 1.0]
    assert np.isnan(rows.matrix()[1, 5]) and rows.matrix()[1, 6] == regions.index(OTHER)


@pytest.mark.parametrize(
    "wrong", [{"Months_as_customer": None}, {"Contract": None}, {"Contract": "weekly"}, {"calls_a_month": np.inf}]
)
def test_what_no_model_has_seen_is_refused(telco_model: DeclaredModel, wrong: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=f"Column '{next(iter(wrong))}' holds a"):
        customer_rows(table_of(telco_model, {}, wrong), CustomerColumns.of(telco_model.definition))


def test_one_row_is_answered_as_a_table_of_them(telco_model: DeclaredModel, loaded: ChurnModel) -> None:
    online, names = OnlineChurnModel(loaded), telco_model.definition.model_columns
    changes: list[dict[str, Any]] = [
        {},
        {"Calls_to_support": None, "Payment_Method": None},
        {"Region": OTHER, "Contract": OTHER},
        {"Months_as_customer": 70.0, "Contract": "two years", "Calls_to_support": 0.0},
    ]
    raw = [{name: (ROW | change)[name] for name in names} for change in changes]
    ones = [online.one(list(row.values())) for row in raw]
    texts = set(loaded.columns.categories)
    given = {name: np.array([row[name] for row in raw], dtype=object if name in texts else np.float64) for name in names}
    many = online.many(given)
    keys = many.values.column_names
    assert [dict(zip(keys, answer.values, strict=True)) for answer in ones] == many.values.to_pylist()
    assert [answer.why for answer in ones] == many.whys
    assert loaded.answer_features(many.features, reasons=3).to_pylist() == many.values.to_pylist()
    probabilities = many.values["probability"].to_pylist()
    assert probabilities[0] > 2 * probabilities[3] and len(set(probabilities)) == 4


def test_reasons_are_the_labels_and_never_what_is_protected(telco_model: DeclaredModel, loaded: ChurnModel) -> None:
    wording = reason_wording(telco_model.definition, loaded.columns)
    contracts = loaded.columns.categories["Contract"]
    assert wording.describe("Contract", {"Contract": contracts.index("month to month")}) == "kind of contract: month to month"
    assert wording.describe("Contract", {"Contract": contracts.index(OTHER)}) == "kind of contract: another than the known ones"
    assert wording.describe("Payment_Method", {"Payment_Method": np.nan}) == "way to pay not known"
    assert wording.describe("Months_as_customer", {"Months_as_customer": 3.0}) == "months as a customer 3"
    assert wording.untold == {"Region"}
    told = loaded.explain(table_of(telco_model, {}, {"Region": "South"})).reasons(9)
    assert all(words for words in told) and not any("region" in word.lower() for words in told for word in words)


@pytest.mark.parametrize(
    ("value", "text"), [(3.0, "3"), (1234567.0, "1,234,567"), (80.456, "80.46"), (0.02345, "0.0234"), (-2.5, "-2.50")]
)
def test_numbers_are_told_as_people_read_them(value: float, text: str) -> None:
    assert number_text(value) == text


def test_groups_are_the_declared_ones_and_at_most_a_dozen(telco_model: DeclaredModel) -> None:
    by_name = {cut.name: cut for cut in telco_model.definition.attributes}
    assert set(by_name) == {"Gender", "region"}
    shops = pa.table({"shop": ["b"] * 5 + ["a"] * 3 + [f"s{number:02}" for number in range(20)] + [None]})
    names = group_names(shops, Segmentation("shop", "shop"))
    assert [(names == name).sum() for name in ("b", "a", NOT_KNOWN, THE_OTHERS)] == [5, 3, 1, 20 - (MOST_GROUPS - 3)]
    bands = Segmentation(
        "bill", "CAST(bill >= 20.0 AS INT) + CAST(bill >= 50.0 AS INT)", {0: "low", 1: "middle", 2: "high"}, "bill"
    )
    assert group_names(pa.table({"bill": [19.5, 20.0, 50.0, None]}), bands).tolist() == ["low", "middle", "high", NOT_KNOWN]


def test_what_no_request_tells_is_no_ground_for_bars_of_groups(telco_model: DeclaredModel) -> None:
    definition = telco_model.definition
    cut = mitigated_attribute(definition, FairnessConfig(mitigation="group_thresholds"))
    assert cut is not None and cut.name == "region"
    with pytest.raises(UsageError, match="by 'Gender': no request tells it"):
        mitigated_attribute(definition, FairnessConfig(mitigation="group_thresholds", mitigated_attribute="Gender"))
    with pytest.raises(UsageError, match="not grouped by 'shop'"):
        mitigated_attribute(definition, FairnessConfig(mitigation="group_thresholds", mitigated_attribute="shop"))
    with pytest.raises(UsageError, match="customers have no groups"):
        mitigated_attribute(replace(definition, attributes=()), FairnessConfig(mitigation="group_thresholds"))
    assert mitigated_attribute(definition, FairnessConfig(mitigated_attribute="Gender")) is None


def test_without_an_amount_a_customer_is_worth_the_base_value(telco_model: DeclaredModel, loaded: ChurnModel) -> None:
    rows = table_of(telco_model, {}, {"Monthly_Charges": 12.25})
    assert amounts(rows, telco_model.definition).tolist() == [80.5, 12.25]
    none = replace(telco_model.definition, amount=None)
    assert amounts(rows, none).tolist() == [0.0, 0.0]
    scored = scored_customers(telco_model.features.table, none, np.arange(3), np.full(3, 0.5), np.zeros(3))
    assert loaded.policy.customer_value(scored.balance).tolist() == [100.0, 100.0, 100.0]


def test_the_logistic_regression_reads_gaps_and_categories(telco_model: DeclaredModel) -> None:
    customers, label = read_customers(telco_model.features.table, telco_model.definition)
    score = score_reference(LOGISTIC_REGRESSION, customers, label, customers, seed=1)
    assert np.isfinite(score).all() and score[label == 1].mean() > score[label == 0].mean() + 0.5


def test_card_and_insights_speak_of_the_declared_data(telco_model: DeclaredModel, tmp_path: Path) -> None:
    report, card, insights = written(telco_model, tmp_path)
    assert report.amount == "monthly bill" and {group.attribute for group in report.fairness.groups} == {"Gender", "region"}
    assert "# Model card: customer churn, telco" in card and "100.00 plus 0.0013 of the monthly bill" in card
    assert "Protected columns are never told as a reason (region)" in card
    assert "Profits are in EUR." in card and "All of these are settings, in EUR." in card and "in the currency of" not in card
    assert card.count("No time of the rows is declared") == 2 and "No time of the rows is declared." in insights
    assert "**kind of contract" in insights.lower() and "calls to support" in insights
    for text in (card, insights):
        assert not [word for word in ("bank", "balance", "Geography", "credit", "country") if word in text]


def test_whom_to_contact_is_named_as_the_owner_does(telco_model: DeclaredModel, tmp_path: Path, loaded: ChurnModel) -> None:
    listed = contact_list(loaded, telco_model.features.table, telco_model.plan, telco_model.raw)
    owned = pd.read_csv(telco_model.declaration.with_name("rows.csv")).set_index("Customer ID")
    assert listed.column_names[:2] == ["Customer ID", "probability"] and listed.num_rows > 10
    contracts = owned.loc[listed["Customer ID"].to_pylist(), "Contract"]
    told = [
        reason
        for reasons in listed["reasons"].to_pylist()
        for reason in reasons.split("; ")
        if reason.startswith("kind of contract")
    ]
    assert set(told) == {"kind of contract: month to month"} and (contracts == "month to month").sum() >= len(told)
    nameless = (
        telco_model.declaration.read_text().replace("id: Customer ID\n", "").replace("rows: rows.csv", "rows: nameless.csv")
    )
    owned.reset_index().to_csv(tmp_path / "nameless.csv", index=False)
    (tmp_path / "declaration.yaml").write_text(nameless)
    found, _ = read_described(read_declaration(tmp_path), "auto", tmp_path / "raw", rows=0, seed=1, earliest=0.8)
    rows = contact_list(loaded, telco_model.features.table, telco_model.plan, found.table)
    assert rows.column_names[:2] == ["row", "probability"]
    assert owned.index[[int(row) for row in rows["row"].to_pylist()]].tolist() == listed["Customer ID"].to_pylist()


def written(model: DeclaredModel, folder: Path) -> tuple[Any, str, str]:
    """Return the reading, the card and the insights of a model, as a run writes them."""
    training, rows = family_of(model.bundle).training, model.rows
    pq.write_table(out_of_fold_table(model.scored), folder / "scores.parquet")
    report = training.evaluate(model.bundle, rows, Table(folder / "scores.parquet"), model.comparison, model.config)
    explained = family_of(model.bundle).load(model.bundle).explain(rows.read_test())
    facts = {
        "provenance": model.provenance,
        "features": model.features.manifest,
        "plan": model.plan,
        "evaluation": report,
        "importance": explained.importance(),
        "config": model.config,
    }
    inputs = training.card_inputs(model.bundle, facts)
    (page,) = training.pages_beside(inputs, model.bundle, rows).values()
    return report, training.write_card(inputs), page.markdown()


SHAPES = {
    "only categories": ("categorical: {plan: {}, shop: {missing: allow}}\n", ["plan", "shop"]),
    "only numbers": ("numeric: {months: {}, calls: {missing: allow}}\n", ["months", "calls"]),
    "many numbers": ("numeric: {" + ", ".join(f"x{number}: {{}}" for number in range(300)) + "}\n", []),
}


@pytest.mark.long
@pytest.mark.full
@pytest.mark.parametrize("shape", SHAPES)
def test_any_shape_of_table_is_trained_and_told(shape: str, tmp_path: Path) -> None:
    roles, names = SHAPES[shape]
    rng = np.random.default_rng(4)
    columns = {"plan": rng.choice(["a", "b", "c"], 700), "shop": rng.choice([f"s{number}" for number in range(300)] + [""], 700)}
    columns |= {"months": rng.integers(0, 60, 700), "calls": np.where(rng.random(700) < 0.1, "", rng.integers(0, 9, 700))}
    columns |= {f"x{number}": rng.normal(size=700) for number in range(300)} if not names else {}
    drive = (columns["plan"] == "a") if "plan" in names else columns["months"] < 20 if names else columns["x0"] > 0.5
    left = rng.random(700) < np.where(drive, 0.6, 0.15)
    names = names or [name for name in columns if name.startswith("x")]
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "gone"])
        writer.writerows(zip(*(columns[name] for name in names), np.where(left, "yes", "no"), strict=True))
    head = 'version: 1\nname: shape\nproblem: churn\nrows: rows.csv\nlabel: {column: gone, positive: ["yes"]}\n'
    (tmp_path / "declaration.yaml").write_text(head + roles)
    model = train_declared(tmp_path / "declaration.yaml", tmp_path / "made", CONFIG)
    report, card, insights = written(model, tmp_path)
    assert "fairness" not in family_of(model.bundle).training.plots(report)
    assert report.fairness.groups == () and report.mitigation is None and report.amount is None
    assert "declares no protected columns" in card and "A customer who stays is worth 100.00:" in card
    assert "What is at stake" in insights and report.metrics["roc_auc"].value > 0.6
