"""The contact list carries its owner's column beside rows, each with its own row; the model never sees it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from fusionguard.data.ingest import read_raw
from fusionguard.data.local import LocalSource
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.contracts import check_raw
from fusionguard.families.churn.contacts import contact_list
from fusionguard.families.churn.model import ChurnModel
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.features.duckdb_engine import DuckDBEngine

from .conftest import Trained


def test_a_declared_column_is_on_the_list_and_in_no_feature(
    model: ChurnModel, trained: Trained, simulated_customers: Path, tmp_path: Path
) -> None:
    people = pq.read_table(simulated_customers)
    numbered = people.append_column("file no.", pa.array([f"{7 * row:08d}" for row in range(people.num_rows)]))
    pacsv.write_csv(numbered, tmp_path / "customers.csv")
    (tmp_path / "source.yaml").write_text("id_column: file no.\n")
    fetched = LocalSource(tmp_path / "customers.csv", CHURN).fetch(tmp_path / "run")
    plain = contact_list(model, trained.features, trained.plan)
    listed = contact_list(model, trained.features, trained.plan, fetched.table)
    assert listed.num_rows > 20
    assert listed.column_names == ["file no.", *plain.column_names]
    assert listed.drop_columns(["file no."]).equals(plain)
    assert listed["file no."].to_pylist() == [f"{7 * row:08d}" for row in plain["row"].to_pylist()]
    assert not check_raw(fetched.table, fetched.provenance).broken
    features = DuckDBEngine(CHURN_FEATURES).build(fetched.table, tmp_path / "features")
    assert features.read().equals(trained.features.read())


def test_a_column_of_the_data_set_may_be_the_one(
    model: ChurnModel, trained: Trained, simulated_customers: Path, tmp_path: Path
) -> None:
    people = pq.read_table(simulated_customers)
    raw = read_raw(simulated_customers, CHURN, tmp_path / "raw.parquet", carried="CustomerId")
    listed = contact_list(model, trained.features, trained.plan, raw)
    assert listed["CustomerId"].to_pylist() == people["CustomerId"].take(listed["row"]).to_pylist()
    assert min(listed["row"].to_pylist()) < 200 < 1_800 < max(listed["row"].to_pylist()) < people.num_rows


def test_a_row_is_the_customer_at_that_place_of_a_data_frame(
    model: ChurnModel, trained: Trained, simulated_customers: Path
) -> None:
    people = pd.read_parquet(simulated_customers)
    listed = contact_list(model, trained.features, trained.plan).to_pandas()
    again = model.answer(people.iloc[listed["row"]])
    assert again["probability"].to_pylist() == listed["probability"].to_list()
    assert again["expected_profit"].to_pylist() == listed["expected_profit"].to_list()
