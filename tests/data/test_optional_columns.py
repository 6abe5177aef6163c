"""Columns that a table may lack, and the one that pandas writes unasked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from fusionguard.data.contract_report import ContractReport
from fusionguard.data.ingest import read_raw
from fusionguard.data.local import LocalSource
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.contracts import check_raw
from fusionguard.errors import DataError

OPTIONAL = ["RowNumber", "CustomerId", "Surname"]


@pytest.fixture
def customers(simulated_customers: Path) -> pd.DataFrame:
    return pd.read_parquet(simulated_customers)


def _checked(frame: pd.DataFrame, folder: Path) -> tuple[list[str], ContractReport]:
    frame.to_csv(folder / "customers.csv", index=False)
    fetched = LocalSource(folder / "customers.csv", CHURN).fetch(folder / "run")
    return fetched.table.columns, check_raw(fetched.table, fetched.provenance)


@pytest.mark.parametrize("absent", [OPTIONAL, ["RowNumber"], ["CustomerId", "Surname"]], ids=" ".join)
def test_a_file_may_lack_what_no_model_reads(customers: pd.DataFrame, absent: list[str], tmp_path: Path) -> None:
    columns, report = _checked(customers.drop(columns=absent), tmp_path)
    assert columns == [name for name in CHURN.columns if name not in absent]
    assert report.broken == report.warnings == ()
    rules = {check.rule for check in report.checks}
    assert ("each customer once" in rules) is ("CustomerId" not in absent)
    assert ("each row number once" in rules) is ("RowNumber" not in absent)


def test_what_is_there_is_checked(customers: pd.DataFrame, tmp_path: Path) -> None:
    customers.loc[9, ["RowNumber", "CustomerId"]] = customers.loc[4, ["RowNumber", "CustomerId"]]
    _, report = _checked(customers, tmp_path)
    assert {(check.rule, *check.example_rows) for check in report.broken} == {
        ("each customer once", 9),
        ("each row number once", 9),
    }


def test_without_ids_a_customer_listed_twice_is_a_warning(customers: pd.DataFrame, tmp_path: Path) -> None:
    rows = [*range(1_500), 700, 3]
    _, report = _checked(customers.iloc[rows].assign(RowNumber=range(1_502)).drop(columns=["CustomerId", "Surname"]), tmp_path)
    (warning,) = report.warnings
    assert report.success and (warning.rule, warning.example_rows) == ("no exact duplicates", [1_500, 1_501])


def test_what_a_model_reads_is_needed(customers: pd.DataFrame, tmp_path: Path) -> None:
    customers.drop(columns=["Age", "RowNumber"]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match=r"^a.csv lacks the column 'Age'\. It must have CreditScore, .*Exited\.$"):
        read_raw(tmp_path / "a.csv", CHURN, tmp_path / "raw.parquet")


def test_parts_must_be_alike(customers: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    customers[:1_000].to_csv(tmp_path / "parts" / "part-0.csv", index=False)
    customers[1_000:].drop(columns="Surname").to_csv(tmp_path / "parts" / "part-1.csv", index=False)
    with pytest.raises(DataError, match=r"^Not every part of parts has the column 'Surname'\. Write the parts alike\.$"):
        read_raw(tmp_path / "parts", CHURN, tmp_path / "raw.parquet")


def _twice(frame: pd.DataFrame, file: Path) -> None:
    frame.to_csv(file)
    pd.read_csv(file).to_csv(file, index=False)


INDEXED: dict[str, tuple[Callable[[pd.DataFrame, Path], object], str]] = {
    "unnamed.csv": (lambda frame, file: frame.to_csv(file), "a column without a name"),
    "twice.csv": (_twice, "the column 'Unnamed: 0'"),
    "reset.csv": (lambda frame, file: frame.reset_index().to_csv(file, index=False), "the column 'index'"),
    "levels.parquet": (lambda frame, file: frame.to_parquet(file), "the column '__index_level_0__'"),
}


@pytest.mark.parametrize("name", INDEXED)
def test_an_index_of_pandas_is_named_with_its_remedy(customers: pd.DataFrame, name: str, tmp_path: Path) -> None:
    write, called = INDEXED[name]
    write(customers.drop(columns="RowNumber").sort_values("Age"), tmp_path / name)
    with pytest.raises(DataError) as caught:
        read_raw(tmp_path / name, CHURN, tmp_path / "raw.parquet")
    assert str(caught.value) == (
        f"{name} has {called}, which looks like an index that pandas wrote."
        f" Write it without: df.to_{name.rpartition('.')[2]}(..., index=False), or remove the column."
    )
    only = ["Age", "Balance"]  # as scoring reads: what is not asked for is not looked at
    read = read_raw(tmp_path / name, CHURN, tmp_path / "raw.parquet", only=only).read()
    assert read["Age"].to_pylist() == sorted(customers["Age"])


def test_an_index_is_not_taken_for_a_column_that_lacks(customers: pd.DataFrame, tmp_path: Path) -> None:
    customers.rename(columns={"Age": "Years"}).to_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"lacks the column 'Age'\. It has 'Years' instead\."):
        read_raw(tmp_path / "a.csv", CHURN, tmp_path / "raw.parquet")
