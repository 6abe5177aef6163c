"""The labelled rows of a window become raw data that the training pipelines read as any other file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from benchmarks.monitoring.windows import BEGIN, DAYS, make_window
from fusionguard.data.local import LocalSource
from fusionguard.data.table import Table
from fusionguard.datasets.contracts import check_raw
from fusionguard.datasets.shipped import dataset_schema
from fusionguard.families.catalog import model_family
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.retraining import LabelledFile, export_labelled
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.traffic import Drift
from fusionguard.monitoring.window import WindowFacts
from tests.monitoring.bundles import changed
from tests.monitoring.windows import known_at

END = BEGIN + timedelta(days=DAYS)
SETTINGS = MonitoringConfig(minimum_retraining_rows=1_000, minimum_retraining_positives=20)


def window_of(bundle: Bundle, drift: Drift = Drift.NONE, size: float = 0.0) -> pa.Table:
    model = model_family(bundle.manifest.model).load(bundle)
    return make_window(model, rows=3_000, drift=drift, size=size, seed=41)


def export(
    window: pa.Table,
    bundle: Bundle,
    folder: Path,
    config: MonitoringConfig = SETTINGS,
    simulated: int = 0,
    approved: tuple[str, ...] = (),
) -> LabelledFile:
    pq.write_table(window, folder / "window.parquet")
    times = window["time"].to_pylist()
    facts = WindowFacts(
        model=bundle.manifest.model,
        model_version=bundle.version,
        rows=window.num_rows,
        labelled=window.num_rows,
        first=times[0],
        last=times[-1],
        simulated=simulated,
    )
    rows = Table(folder / "window.parquet")
    return export_labelled(rows, facts, bundle, config, folder / "outcomes", approved=approved)


def test_transactions_keep_their_order_their_hour_and_their_outcome(fraud_bundle: Bundle, tmp_path: Path) -> None:
    window = window_of(fraud_bundle, Drift.NEW_PATTERN, 0.02)
    found = export(window, fraud_bundle, tmp_path)
    assert found.file is not None, found.why
    assert (found.rows, found.positives) == (3_000, int(np.sum(window["label"].to_numpy())))
    fetched = LocalSource(found.file, dataset_schema("fraud")).fetch(tmp_path)
    raw = fetched.table.read()
    seconds = raw["Time"].to_numpy()
    assert (np.diff(seconds) >= 0).all() and seconds[0] < 86_400 and seconds[-1] // 86_400 == DAYS - 1
    before = {(row["Amount"], row["V1"]): (row["hour_of_day"], row["label"]) for row in window.to_pylist()}
    for row in raw.to_pylist():
        assert before[(row["Amount"], row["V1"])] == (row["Time"] % 86_400 // 3_600, row["Class"])
    assert fetched.provenance.origin == "local"
    assert fraud_bundle.version in fetched.provenance.description


def test_customers_are_nobody_and_satisfy_the_contract(churn_bundle: Bundle, tmp_path: Path) -> None:
    window = window_of(churn_bundle)
    found = export(window, churn_bundle, tmp_path, simulated=3_000, approved=("displaced of Age (core banking)",))
    assert found.file is not None, found.why
    fetched = LocalSource(found.file, dataset_schema("churn")).fetch(tmp_path)
    raw = fetched.table.read()
    assert not {"RowNumber", "CustomerId", "Surname"} & set(raw.column_names)
    assert not check_raw(fetched.table, fetched.provenance).broken
    known = {(row["Balance"], row["EstimatedSalary"], row["Age"]): row["label"] for row in window.to_pylist()}
    assert {(row["Balance"], row["EstimatedSalary"], row["Age"]): row["Exited"] for row in raw.to_pylist()} == known
    assert fetched.provenance.simulated, "simulated rows stay simulated"
    assert fetched.provenance.description.endswith("; approved: displaced of Age (core banking)"), fetched.provenance.description


def test_customers_who_came_in_another_order_train_the_same_model(churn_bundle: Bundle, tmp_path: Path) -> None:
    window = window_of(churn_bundle)
    shuffled = window.take(np.random.default_rng(5).permutation(window.num_rows))
    files = []
    for folder, rows in ((tmp_path / "one", window), (tmp_path / "other", shuffled)):
        folder.mkdir()
        files.append(export(rows, churn_bundle, folder).file)
    first, second = (pq.read_table(file) for file in files)
    assert first.equals(second) and first.num_rows == 3_000


def test_where_only_positives_are_told_the_old_rows_without_a_label_are_negative(fraud_bundle: Bundle, tmp_path: Path) -> None:
    window = window_of(fraud_bundle, Drift.NEW_PATTERN, 0.04)
    label = window["label"].to_numpy()
    told = pa.array(label, pa.int8(), mask=label == 0)
    window = window.set_column(window.column_names.index("label"), "label", told)
    found = export(known_at(window, END, negative_after_days=3), fraud_bundle, tmp_path)
    old = sum(END - time >= timedelta(days=3) for time in window["time"].to_pylist())
    assert found.rows == old < 3_000
    assert found.file is not None
    assert pq.read_table(found.file)["Class"].to_numpy().sum() == found.positives


def test_the_settings_of_an_older_champion_are_written_and_what_lacks_is_said(fraud_bundle: Bundle, tmp_path: Path) -> None:
    older = changed(fraud_bundle, tmp_path, lambda config: config["xgboost"].pop("num_parallel_tree"))
    found = export(window_of(fraud_bundle, Drift.NEW_PATTERN, 0.02), older, tmp_path)
    assert found.settings is not None
    assert yaml.safe_load(found.settings.read_text())["xgboost"] == older.manifest.config["xgboost"] | {"num_parallel_tree": 1}
    assert found.remarks == ("the champion's bundle does not say xgboost.num_parallel_tree: it was 1 before that was a setting",)


@pytest.mark.parametrize("known", [0, 900])
def test_too_few_outcomes_make_no_file(fraud_bundle: Bundle, tmp_path: Path, known: int) -> None:
    window = window_of(fraud_bundle)
    mask = np.arange(3_000) >= known
    window = window.set_column(
        window.column_names.index("label"), "label", pa.array(window["label"].to_numpy(), pa.int8(), mask=mask)
    )
    found = export(window, fraud_bundle, tmp_path)
    assert found.file is None
    assert f"{known:,} rows with an outcome" in found.why and "retraining needs 1,000 and 20" in found.why
    assert not (tmp_path / "outcomes").exists()
