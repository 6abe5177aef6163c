"""Each way in which raw data can break its contract, and what the error and the report then say."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from fusionguard.data import contract_runner
from fusionguard.data.contract_page import contract_page
from fusionguard.data.contract_report import Check, ContractError, ContractReport
from fusionguard.data.provenance import Provenance
from fusionguard.data.schema import DatasetSchema
from fusionguard.data.table import Table
from fusionguard.datasets import contracts
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.contracts import check_raw
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.datasets.shipped import ShippedDataset, shipped_dataset

Change = Callable[[dict[str, np.ndarray]], None]
Cell = tuple[Change, str, str, int]
RunCheck = Callable[..., ContractReport]


def fraud_columns(rows: int = 1_200) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    columns = {"Time": np.arange(rows, dtype=float)}
    columns |= {f"V{number}": random.normal(size=rows) for number in range(1, 29)}
    columns["Amount"] = random.lognormal(3, 1, rows).round(2)
    columns["Class"] = (np.arange(rows) % 120 == 0).astype(np.int64)
    return columns


def churn_columns(rows: int = 1_200) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    return {
        "RowNumber": np.arange(1, rows + 1),
        "CustomerId": np.arange(15_600_000, 15_600_000 + rows),
        "Surname": np.array(["Bianchi"] * rows, dtype=object),
        "CreditScore": random.integers(350, 851, rows),
        "Geography": random.choice(["France", "Germany", "Spain"], rows).astype(object),
        "Gender": random.choice(["Female", "Male"], rows).astype(object),
        "Age": random.integers(18, 93, rows),
        "Tenure": random.integers(0, 11, rows),
        "Balance": random.uniform(0, 250_000, rows),
        "NumOfProducts": random.integers(1, 5, rows),
        "HasCrCard": random.integers(0, 2, rows),
        "IsActiveMember": random.integers(0, 2, rows),
        "EstimatedSalary": random.uniform(11, 200_000, rows),
        "Exited": (np.arange(rows) % 5 == 0).astype(np.int64),
    }


@pytest.fixture
def check(tmp_path: Path) -> RunCheck:
    """A function that writes columns, changed on the way, and reads the contract on them."""

    def run(change: Change | None = None, schema: DatasetSchema = FRAUD, keep: float | None = None) -> ContractReport:
        columns = fraud_columns() if schema is FRAUD else churn_columns()
        if change:
            change(columns)
        table = pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})
        pq.write_table(table, tmp_path / "raw.parquet", row_group_size=500)
        raw = Table(tmp_path / "raw.parquet")
        declared = {} if keep is None else {"negative_sampling_rate": keep, "sampling_declared": True}
        provenance = Provenance(
            dataset=schema.name, origin="local", description="", sha256="0" * 64, rows=raw.rows, file="cards.csv.gz", **declared
        )
        return check_raw(raw, provenance)

    return run


@pytest.fixture
def check_whole(check: RunCheck, monkeypatch: pytest.MonkeyPatch) -> RunCheck:
    """The same without the rules on cells, which take longest, for what is said of the whole table."""

    def without_cells(name: str) -> ShippedDataset:
        dataset = shipped_dataset(name)
        return replace(dataset, suite=lambda schema: replace(dataset.suite(schema), cells=()))

    monkeypatch.setattr(contracts, "shipped_dataset", without_cells)
    return check


def put(column: str, row: int, value: object) -> Change:
    """A change of one cell; ``row`` counts from 0."""

    def change(columns: dict[str, np.ndarray]) -> None:
        if value is None and columns[column].dtype.kind == "i":
            columns[column] = columns[column].astype(object)
        columns[column][row] = value

    return change


def cut(rows: int) -> Change:
    return lambda columns: columns.update({name: values[:rows] for name, values in columns.items()})


def copy_rows(first: int, last: int) -> Change:
    """Put copies of rows ``first..last`` (from 0) right behind each of them."""

    def change(columns: dict[str, np.ndarray]) -> None:
        times = np.ones(len(columns["Time"]), dtype=int)
        times[first : last + 1] = 2
        columns.update({name: np.repeat(values, times) for name, values in columns.items()})

    return change


def test_good_data_satisfies_both_contracts(check: RunCheck) -> None:
    for schema in (FRAUD, CHURN):
        report = check(schema=schema)
        assert report.success
        assert report.broken == report.warnings == ()
        assert report.rows == 1_200
        assert {one.column for one in report.checks} >= set(schema.columns)
        report.raise_if_broken()


FRAUD_CELLS = [
    (put("V3", 7, None), "no empty cells", "V3", 7),
    (put("Class", 11, None), "no empty cells", "Class", 11),
    (put("Time", 21, None), "no empty cells", "Time", 21),
    (put("V14", 1_199, 150.5), "in range", "V14", 1_199),
    (put("V14", 9, -151.0), "in range", "V14", 9),
    (put("V1", 9, np.inf), "in range", "V1", 9),
    (put("V2", 9, -np.inf), "in range", "V2", 9),
    (put("Amount", 5, -0.01), "in range", "Amount", 5),
    (put("Amount", 6, np.inf), "in range", "Amount", 6),
    (put("Time", 0, -1.0), "in range", "Time", 0),
    (put("Time", 1_199, 1.7e9), "in range", "Time", 1_199),
    (put("Class", 3, 2), "known values", "Class", 3),
    (put("Class", 4, -1), "known values", "Class", 4),
    (put("Time", 600, 10.0), "never decreasing", "Time", 600),
]
CHURN_CELLS = [
    (put("CustomerId", 8, None), "no empty cells", "CustomerId", 8),
    (put("Exited", 8, None), "no empty cells", "Exited", 8),
    (put("Geography", 4, "france"), "known values", "Geography", 4),
    (put("Geography", 5, "?"), "known values", "Geography", 5),
    (put("Gender", 4, ""), "known values", "Gender", 4),
    (put("CreditScore", 4, 900), "in range", "CreditScore", 4),
    (put("Age", 4, 17), "in range", "Age", 4),
    (put("Tenure", 4, -1), "in range", "Tenure", 4),
    (put("Balance", 4, -5.0), "in range", "Balance", 4),
    (put("NumOfProducts", 4, 0), "in range", "NumOfProducts", 4),
    (put("EstimatedSalary", 4, -1.0), "in range", "EstimatedSalary", 4),
    (put("Exited", 4, 2), "known values", "Exited", 4),
    (put("Surname", 14, None), "no empty cells", "Surname", 14),
    (put("Geography", 14, None), "no empty cells", "Geography", 14),
    (put("Geography", 15, "Germany "), "known values", "Geography", 15),
    (put("Gender", 14, "female"), "known values", "Gender", 14),
    (put("CreditScore", 14, 299), "in range", "CreditScore", 14),
    (put("Age", 14, 111), "in range", "Age", 14),
    (put("Age", 15, None), "no empty cells", "Age", 15),
    (put("Tenure", 14, 11), "in range", "Tenure", 14),
    (put("Balance", 14, None), "no empty cells", "Balance", 14),
    (put("NumOfProducts", 14, 5), "in range", "NumOfProducts", 14),
    (put("HasCrCard", 14, 2), "known values", "HasCrCard", 14),
    (put("IsActiveMember", 1_199, -1), "known values", "IsActiveMember", 1_199),
    (put("EstimatedSalary", 14, np.inf), "in range", "EstimatedSalary", 14),
]


@pytest.mark.parametrize(("schema", "cells"), [(FRAUD, FRAUD_CELLS), (CHURN, CHURN_CELLS)], ids=["fraud", "churn"])
def test_each_broken_cell_is_named_and_nothing_else_is(check: RunCheck, schema: DatasetSchema, cells: list[Cell]) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        for change, *_ in cells:
            change(columns)

    report = check(spoil, schema)
    found = {(one.rule, one.column, row) for one in report.broken for row in one.example_rows}
    assert found == {(rule, column, row) for _, rule, column, row in cells}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("V3", 7, None), "column 'V3': no empty cells (expected a value in every row; found 1 empty in row 7)"),
        (put("V14", 9, -151.0), "column 'V14': in range (expected -150 to 150; found -151.0 in row 9)"),
        (put("Class", 3, 2), "column 'Class': known values (expected one of 0, 1; found 2 in row 3)"),
        (
            put("Time", 600, 10.0),
            "column 'Time': never decreasing (expected no value below the row before; found 1 decrease in row 600)",
        ),
    ],
)
def test_the_error_says_column_rule_and_row(check: RunCheck, change: Change, message: str) -> None:
    with pytest.raises(ContractError) as caught:
        check(change).raise_if_broken()
    assert message in str(caught.value)
    assert caught.value.exit_status == 1


def test_a_customer_listed_twice_is_caught_and_its_id_stays_private(check: RunCheck) -> None:
    report = check(put("CustomerId", 9, 15_600_003), CHURN)
    (broken,) = report.broken
    assert (broken.rule, broken.column, broken.example_rows) == ("each customer once", "CustomerId", [9])
    assert "15600003" not in report.to_json() + contract_page(report)


def test_no_message_or_page_about_customers_says_who_they_are(check: RunCheck) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        for change, *_ in CHURN_CELLS:
            change(columns)
        put("CustomerId", 9, 15_600_003)(columns)
        put("CustomerId", 500, 15_600_777)(columns)

    report = check(spoil, CHURN)
    with pytest.raises(ContractError) as caught:
        report.raise_if_broken()
    everything = str(caught.value) + report.to_json() + contract_page(report)
    assert "each customer once" in everything
    assert "Bianchi" not in everything
    assert "15600" not in everything and "15,600" not in everything


def drop(column: str) -> Change:
    return lambda columns: columns.pop(column)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (drop("V5"), "without V5"),
        (drop("Class"), "without Class"),
        (lambda columns: columns.update(Merchant=columns["V1"]), "with unknown Merchant"),
        (lambda columns: columns.update(Time=columns.pop("Time")), "other order"),
    ],
)
def test_other_columns_stop_the_run_before_any_cell_is_read(check: RunCheck, change: Change, found: str) -> None:
    report = check(change)
    (broken,) = report.broken
    assert broken.rule == "columns in order"
    assert broken.observed == found


@pytest.mark.parametrize("column", ["V2", "Class"])
def test_a_column_of_another_type_is_named(check: RunCheck, column: str) -> None:
    (broken,) = check(lambda columns: columns.update({column: columns[column].astype(str).astype(object)})).broken
    assert (broken.rule, broken.column, broken.observed) == ("type", column, "string")


def test_each_column_of_another_type_is_named_however_many_there_are(check: RunCheck) -> None:
    wrong = ["V2", "V3", "V5", "V8", "V13", "V21", "Amount"]
    broken = check(lambda columns: columns.update({name: columns[name].astype(str).astype(object) for name in wrong})).broken
    assert [(one.rule, one.column, one.observed) for one in broken] == [("type", name, "string") for name in wrong]


def test_too_few_rows(check_whole: RunCheck) -> None:
    (broken,) = check_whole(cut(999)).broken
    assert (broken.rule, broken.observed, broken.expected) == ("enough rows", "999", "1,000 or more")
    assert {one.rule for one in check_whole(cut(0)).broken} == {"enough rows", "both classes", "class balance"}


@pytest.mark.parametrize("only", [0, 1])
def test_one_class_only(check_whole: RunCheck, only: int) -> None:
    report = check_whole(lambda columns: columns["Class"].fill(only))
    assert {one.rule for one in report.broken} == {"both classes", "class balance"}
    with pytest.raises(ContractError, match="column 'Class': both classes"):
        report.raise_if_broken()


def frauds(count: int) -> Change:
    """A change of the label: so many of the 1,200 rows are frauds, spread over them."""
    return lambda columns: columns.update(Class=(np.arange(1_200) * count % 1_200 < count).astype(np.int64))


def test_class_balance_is_judged_at_the_real_prior(check_whole: RunCheck) -> None:
    assert [one.rule for one in check_whole(frauds(400)).broken] == ["class balance"]
    assert check_whole(frauds(400), keep=0.01).success
    (broken,) = check_whole(frauds(400), keep=0.9).broken
    assert (broken.rule, broken.observed) == ("class balance", "0.310345 (weighted to the real prior)")
    assert [one.rule for one in check_whole(keep=1e-5).broken] == ["class balance"]


@pytest.mark.parametrize("count", [13, 240, 241, 1_199])
def test_more_frauds_than_one_in_a_hundred_ask_for_a_declaration_that_then_works(check_whole: RunCheck, count: int) -> None:
    report = check_whole(frauds(count))
    (broken,) = report.broken
    assert (broken.rule, broken.observed, broken.expected) == (
        "class balance",
        f"{count / 1_200:.6f}",
        "a share of ones from 0.0001 to 0.01",
    )
    with pytest.raises(ContractError) as stopped:
        report.raise_if_broken()
    said = stopped.value.remedy
    assert "No sampling is declared" in said and "cards.csv.gz.source.yaml beside the file" in said
    assert "Correct the data" not in said
    examples = [float(line) for line in re.findall(r"`negative_sampling_rate: ([0-9.]+)`", said)]
    assert len(examples) == (2 if count <= 240 else 1)
    assert pytest.approx(count / (count + (1_200 - count) / examples[0]), rel=0.01) == 0.00173
    for example in examples:
        assert yaml.safe_load(f"negative_sampling_rate: {example:f}")["negative_sampling_rate"] > 0
        assert check_whole(frauds(count), keep=example).success


def test_one_fraud_in_a_hundred_needs_no_declaration(check_whole: RunCheck) -> None:
    assert check_whole(frauds(12)).success


@pytest.mark.parametrize(("keep", "shown"), [(1.0, "1"), (0.95, "0.95"), (0.00000005, "0.00000005")])
def test_a_declaration_that_does_not_fit_is_named_with_one_that_does(check_whole: RunCheck, keep: float, shown: str) -> None:
    with pytest.raises(ContractError) as stopped:
        check_whole(frauds(492), keep=keep).raise_if_broken()
    assert f"The declaration says `negative_sampling_rate: {shown}`, which does not fit a file with 492 frauds in 1,200 rows" in (
        stopped.value.remedy
    )
    (example,) = re.findall(
        r"the line in cards.csv.gz.source.yaml beside the file is `negative_sampling_rate: ([0-9.]+)`", stopped.value.remedy
    )
    assert check_whole(frauds(492), keep=float(example)).success


def test_what_else_is_broken_is_to_be_corrected_too(check: RunCheck) -> None:
    def both(columns: dict[str, np.ndarray]) -> None:
        frauds(492)(columns)
        columns["Amount"][7] = -3.5

    with pytest.raises(ContractError) as stopped:
        check(both).raise_if_broken()
    assert stopped.value.remedy.index("No sampling is declared") < stopped.value.remedy.index("Correct the data (row 0")


def test_some_duplicates_are_a_warning_and_many_stop_the_run(check_whole: RunCheck) -> None:
    report = check_whole(copy_rows(20, 22))
    assert report.success
    (warning,) = report.warnings
    assert (warning.rule, warning.broken_rows, warning.example_rows) == ("no exact duplicates", 3, [21, 23, 25])
    assert [one.rule for one in check_whole(copy_rows(0, 99)).broken] == ["few exact duplicates"]


@pytest.mark.full
def test_batches_give_the_same_report_as_the_whole(check: RunCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        for row in (7, 650, 651, 1_100):
            put("V3", row, None)(columns)
        put("Time", 700, 5.0)(columns)  # the first row of a batch
        copy_rows(696, 697)(columns)  # a copy on the other side of a border

    whole = check(spoil)
    monkeypatch.setattr(contract_runner, "_BATCH_ROWS", 350)
    assert check(spoil) == whole
    assert {one.rule for one in whole.broken} == {"no empty cells", "never decreasing"}


def test_the_message_names_a_few_rows_and_counts_the_rest(check: RunCheck) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["V7"][10:30] = np.nan
        for number in range(8, 15):
            columns[f"V{number}"][0] = 1e6

    report = check(spoil)
    with pytest.raises(ContractError) as caught:
        report.raise_if_broken()
    message = str(caught.value)
    assert (
        "column 'V7': no empty cells (expected a value in every row; found 20 empty in rows 10, 11, 12, 13, 14, ...)" in message
    )
    assert "and 3 more" in message
    assert len(message) < 1_000
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301  # what a step that runs elsewhere sends back
    assert str(again) == message


def test_the_page_is_whole_without_a_network_and_escapes_what_it_shows() -> None:
    nasty = Check(
        rule="known values",
        column="<script>alert(1)</script>",
        success=False,
        severity="stop",
        broken_rows=1,
        example_rows=[3],
        observed="1 other such as <b>",
        expected="one of 0, 1",
    )
    page = contract_page(ContractReport(dataset="fraud", stage="raw data", success=False, rows=5, checks=[nasty]))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "://" not in page
    assert "The contract is broken: 1 of 1 checks fail." in page


def test_a_report_survives_json(check: RunCheck) -> None:
    report = check(put("V3", 7, None))
    assert ContractReport.model_validate_json(report.to_json()) == report


def test_nothing_leaves_the_machine(check: RunCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("a contract opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert check().success


def test_the_real_sample_satisfies_its_contract(real_data: Path, tmp_path: Path) -> None:
    from pyarrow import csv

    for schema, folder, keep in ((FRAUD, "creditcard_fraud", 0.0818), (CHURN, "bank_churn", 1.0)):
        types = {
            name: {"float": pa.float64(), "integer": pa.int64(), "text": pa.string()}[kind]
            for name, kind in schema.columns.items()
        }
        table = csv.read_csv(real_data / folder / schema.file_name, convert_options=csv.ConvertOptions(column_types=types))
        pq.write_table(table, tmp_path / "raw.parquet")
        raw = Table(tmp_path / "raw.parquet")
        provenance = Provenance(
            dataset=schema.name,
            origin="local",
            description="",
            sha256="0" * 64,
            rows=raw.rows,
            negative_sampling_rate=keep,
            sampling_declared=keep < 1,
        )
        assert check_raw(raw, provenance).broken == ()


def test_the_document_names_every_rule_of_each_contract(check: RunCheck) -> None:
    document = Path(__file__).resolve().parents[2] / "docs" / "data_quality_checks.md"
    sections = dict(part.split("\n", 1) for part in document.read_text(encoding="utf-8").split("\n## "))
    for schema, title in ((FRAUD, "Fraud, raw data"), (CHURN, "Churn, raw data")):
        missing = {one.rule for one in check(schema=schema).checks if one.rule not in sections[title]}
        assert missing == set()
