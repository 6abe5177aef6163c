"""Dirty copies of the churn file: blanks, question marks, missing labels and changed case are caught with their rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionguard.data.contract_report import ContractError
from fusionguard.data.export import write_table
from fusionguard.data.ingest import read_raw
from fusionguard.data.provenance import Provenance
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.contracts import check_raw
from fusionguard.datasets.simulated import simulate
from fusionguard.errors import DataError


@pytest.fixture
def churn_csv(tmp_path: Path) -> Path:
    """A clean file in Kaggle's layout, 1,200 simulated customers."""
    table = simulate(CHURN, 1_200, 3, tmp_path / "simulated.parquet")
    return write_table(table, tmp_path / CHURN.file_name)


def spoil_csv(file: Path, row: int, column: str, text: str) -> None:
    """Change one cell of a CSV file; ``row`` counts from 0 after the header."""
    lines = file.read_text().splitlines()
    cells = lines[row + 1].split(",")
    cells[list(CHURN.columns).index(column)] = text
    lines[row + 1] = ",".join(cells)
    file.write_text("\r\n".join(lines) + "\r\n", newline="")


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("CustomerId", "", "column 'CustomerId': no empty cells (expected a value in every row; found 1 empty in row 8)"),
        ("Surname", "", "column 'Surname': no empty cells (expected a value in every row; found 1 empty in row 8)"),
        ("Exited", "", "column 'Exited': no empty cells (expected a value in every row; found 1 empty in row 8)"),
        ("Age", "", "column 'Age': no empty cells (expected a value in every row; found 1 empty in row 8)"),
        ("Balance", "", "column 'Balance': no empty cells (expected a value in every row; found 1 empty in row 8)"),
        ("Geography", "", "column 'Geography': no empty cells (expected a value in every row; found 1 empty in row 8)"),
        ("Geography", "france", "'Geography': known values (expected one of France, Germany, Spain; found france in row 8)"),
        ("Geography", "?", "column 'Geography': known values (expected one of France, Germany, Spain; found ? in row 8)"),
        ("Gender", "MALE", "column 'Gender': known values (expected one of Female, Male; found MALE in row 8)"),
        ("CreditScore", "6190", "column 'CreditScore': in range (expected 300 to 850; found 6190 in row 8)"),
        ("Age", "4", "column 'Age': in range (expected 18 to 110; found 4 in row 8)"),
        ("Tenure", "99", "column 'Tenure': in range (expected 0 to 10; found 99 in row 8)"),
        ("NumOfProducts", "12", "column 'NumOfProducts': in range (expected 1 to 4; found 12 in row 8)"),
        ("HasCrCard", "7", "column 'HasCrCard': known values (expected one of 0, 1; found 7 in row 8)"),
        ("IsActiveMember", "-1", "column 'IsActiveMember': known values (expected one of 0, 1; found -1 in row 8)"),
        ("Balance", "-83807.86", "column 'Balance': in range (expected 0 to 1,000,000,000; found -83807.86 in row 8)"),
        ("Exited", "2", "column 'Exited': known values (expected one of 0, 1; found 2 in row 8)"),
    ],
)
def test_a_dirty_copy_is_read_and_then_refused_by_its_contract(
    column: str, text: str, message: str, churn_csv: Path, tmp_path: Path
) -> None:
    spoil_csv(churn_csv, 8, column, text)
    raw = read_raw(churn_csv, CHURN, tmp_path / "raw.parquet")
    provenance = Provenance(dataset="churn", origin="local", description="", sha256="0" * 64, rows=raw.rows)
    report = check_raw(raw, provenance)
    assert len(report.broken) == 1
    with pytest.raises(ContractError) as caught:
        report.raise_if_broken()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("column", "text", "kind"),
    [
        ("CreditScore", "?", "an integer"),
        ("Age", "NA", "an integer"),
        ("Age", "42.5", "an integer"),
        ("Balance", "?", "a number"),
        ("Balance", "nan", "a number"),
        ("EstimatedSalary", "101.348x", "a number"),
        ("NumOfProducts", " ", "an integer"),
        ("Exited", "?", "an integer"),
        ("Exited", "yes", "an integer"),
    ],
)
def test_text_in_a_number_of_a_dirty_copy_is_an_error_with_the_row(
    column: str, text: str, kind: str, churn_csv: Path, tmp_path: Path
) -> None:
    spoil_csv(churn_csv, 8, column, text)
    with pytest.raises(DataError) as caught:
        read_raw(churn_csv, CHURN, tmp_path / "raw.parquet")
    assert str(caught.value) == f"Churn_Modelling.csv, row 8 (line 10), column {column}: '{text}' is not {kind}. Correct it."
    assert not (tmp_path / "raw.parquet").exists()


@pytest.mark.parametrize(
    ("text", "kind"),
    [("15634602x", "an integer"), ("9999999999999999999", "an integer that 64 bits hold"), ("156346.02", "an integer")],
)
def test_a_broken_number_of_a_customer_is_named_by_its_row_and_stays_private(
    text: str, kind: str, churn_csv: Path, tmp_path: Path
) -> None:
    spoil_csv(churn_csv, 8, "CustomerId", text)
    with pytest.raises(DataError) as caught:
        read_raw(churn_csv, CHURN, tmp_path / "raw.parquet")
    where = "Churn_Modelling.csv, row 8 (line 10), column CustomerId"
    assert str(caught.value) == f"{where}: a value that is not shown is not {kind}. Correct it."


def test_labels_missing_from_a_dirty_copy_are_counted_with_their_rows(churn_csv: Path, tmp_path: Path) -> None:
    rows = [3, 4, 700, 701, 702, 703, 1_199]
    for row in rows:
        spoil_csv(churn_csv, row, "Exited", "")
    raw = read_raw(churn_csv, CHURN, tmp_path / "raw.parquet")
    provenance = Provenance(dataset="churn", origin="local", description="", sha256="0" * 64, rows=raw.rows)
    (broken,) = check_raw(raw, provenance).broken
    assert (broken.column, broken.broken_rows, broken.example_rows) == ("Exited", 7, rows[:5])
