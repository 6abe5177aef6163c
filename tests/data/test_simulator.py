"""The simulator: its statistics are the published ones within stated tolerances, and its bytes follow from the seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from fusionguard.data.export import write_table
from fusionguard.data.ingest import arrow_schema, read_raw
from fusionguard.data.table import Table
from fusionguard.datasets.creditcard.fraud_model import load_statistics
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.datasets.creditcard.simulator import draw_frauds, make_plan, simulate_batches
from fusionguard.datasets.simulated import simulate
from fusionguard.errors import StorageError, UnknownChoiceError, UsageError
from fusionguard.files import sha256_file

FULL = 284_807
PUBLISHED = json.loads(Path(__file__).with_name("published_statistics.json").read_text())["columns"]
V_COLUMNS = [f"V{number}" for number in range(1, 29)]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """As many rows as the published file."""
    return simulate(FRAUD, FULL, 7, tmp_path_factory.mktemp("simulated") / "raw.parquet")


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NDArray[np.float64]]:
    """Twice as many, so that the frauds' own statistics are less noisy."""
    table = simulate(FRAUD, 2 * FULL, 11, tmp_path_factory.mktemp("simulated") / "raw.parquet")
    return {name: table.read([name])[name].to_numpy() for name in table.columns}


def _duplicates(table: Table) -> tuple[int, int]:
    frame = table.read().to_pandas()
    copies = frame.duplicated()
    return int(copies.sum()), int((copies & (frame["Class"] == 1)).sum())


def test_counts_are_the_published_ones(full: Table) -> None:
    assert full.rows == FULL
    assert int(full.read(["Class"])["Class"].to_numpy().sum()) == 492
    assert _duplicates(full) == (1_081, 19)
    assert full.schema.equals(arrow_schema(FRAUD))


@pytest.mark.parametrize("rows", [100, 1_000, 20_000, 65_900])
def test_counts_grow_in_proportion(rows: int, tmp_path: Path) -> None:
    table = simulate(FRAUD, rows, 1, tmp_path / "raw.parquet")
    assert table.rows == rows
    assert int(table.read(["Class"])["Class"].to_numpy().sum()) == max(1, round(492 * rows / FULL))
    assert _duplicates(table)[0] == pytest.approx(1_081 * rows / FULL, abs=1.01)


@pytest.mark.parametrize("name", [*V_COLUMNS, "Amount"])
def test_each_column_spreads_as_published(name: str, columns: dict[str, NDArray[np.float64]]) -> None:
    published, values = PUBLISHED[name], columns[name]
    assert np.isfinite(values).all()
    assert values.std() == pytest.approx(published["std"], rel=0.1)
    assert np.quantile(values, [0.25, 0.5, 0.75]) == pytest.approx(published["quartiles"], abs=0.03 * published["std"])
    # Legitimate and fraudulent rows both stay inside the published range, so contracts on it hold.
    slack = 0.001 * published["std"]
    assert published["min"] - slack <= values.min() and values.max() <= published["max"] + slack


def test_frauds_differ_as_published() -> None:
    """Over many seeds: the frauds of one table come in campaigns, so that their own statistics are noisy."""
    statistics = load_statistics()
    values = np.concatenate([draw_frauds(make_plan(2 * FULL, seed, statistics), seed, statistics) for seed in range(15)])
    for index, name in enumerate(V_COLUMNS):
        published, column = PUBLISHED[name], values[:, index]
        assert column.mean() == pytest.approx(published["fraud_mean"], abs=0.3 * published["fraud_std"]), name
        assert column.std() == pytest.approx(published["fraud_std"], rel=0.25), name


@pytest.mark.parametrize("name", V_COLUMNS)
def test_columns_correlate_with_the_class_as_published(name: str, columns: dict[str, NDArray[np.float64]]) -> None:
    correlation = np.corrcoef(columns[name], columns["Class"])[0, 1]
    assert correlation == pytest.approx(PUBLISHED[name]["correlation_with_class"], abs=0.08)


def test_amounts_by_class(columns: dict[str, NDArray[np.float64]]) -> None:
    amount, fraud = columns["Amount"], columns["Class"] == 1
    assert np.array_equal(np.round(amount * 100) / 100, amount)
    assert (amount >= 0).all()
    assert np.quantile(amount[~fraud], [0.25, 0.5, 0.75]) == pytest.approx([5.65, 22.0, 77.05], rel=0.05)
    assert np.mean(amount[~fraud]) == pytest.approx(88.29, rel=0.05)
    # 1.00 is the most frequent amount of a fraud (23 %), the quartiles are 1.00, 9.25 and 105.89.
    assert np.mean(amount[fraud] == 1.0) == pytest.approx(0.23, abs=0.08)
    assert 0.8 <= np.quantile(amount[fraud], 0.25) <= 1.0
    assert np.quantile(amount[fraud], 0.75) == pytest.approx(105.89, rel=0.25)


def test_principal_components_are_nearly_uncorrelated(columns: dict[str, NDArray[np.float64]]) -> None:
    correlation = np.corrcoef([columns[name] for name in V_COLUMNS])
    between = np.abs(correlation[np.triu_indices(28, 1)])
    assert np.median(between) < 0.05
    assert between.max() < 0.5


def test_time_has_the_daily_rhythm(columns: dict[str, NDArray[np.float64]]) -> None:
    time, fraud = columns["Time"], columns["Class"] == 1
    assert (np.diff(time) >= 0).all()
    assert np.array_equal(time, np.floor(time))
    assert (time.min(), time.max()) == (pytest.approx(0, abs=60), pytest.approx(172_792, abs=60))
    hours = np.bincount((time[~fraud] // 3600).astype(int), minlength=48) / (~fraud).sum()
    assert hours == pytest.approx(load_statistics().legitimate_by_hour, abs=0.0015)
    assert np.quantile(time, [0.25, 0.5, 0.75]) == pytest.approx(PUBLISHED["Time"]["quartiles"], rel=0.01)
    night = (time // 3600) % 24 < 6
    assert np.mean(fraud[night]) > 2 * np.mean(fraud[~night])


def test_frauds_come_in_campaigns(columns: dict[str, NDArray[np.float64]]) -> None:
    fraud = columns["Class"] == 1
    gaps = np.diff(columns["Time"][fraud])
    # Independent frauds would have an exponential gap: its 25 % quantile is 0.29 of its mean.
    assert np.quantile(gaps, 0.25) < 0.15 * gaps.mean()


@pytest.mark.parametrize("rows", [1_000, 70_000])
def test_the_same_seed_gives_the_same_bytes(rows: int, tmp_path: Path) -> None:
    first, again, other = (
        sha256_file(simulate(FRAUD, rows, seed, tmp_path / name).path) for seed, name in ((1, "a"), (1, "b"), (2, "c"))
    )
    assert first == again != other


def test_memory_does_not_grow_with_the_rows() -> None:
    sizes = [batch.num_rows for batch in simulate_batches(FULL, 1, load_statistics(), arrow_schema(FRAUD))]
    assert sum(sizes) == FULL
    assert len(sizes) == 5 and max(sizes) < 66_500


def test_frauds_are_as_hard_to_find_as_real_ones(full: Table, columns: dict[str, NDArray[np.float64]]) -> None:
    """Trees reach an average precision near that on the real sample (0.71 to 0.76, +- 0.1), and nothing like 1."""
    import xgboost
    from sklearn.metrics import average_precision_score

    start = {name: full.read([name], 0, int(0.8 * FULL))[name].to_numpy() for name in [*V_COLUMNS, "Amount", "Class"]}
    trees = xgboost.XGBClassifier(
        n_estimators=100,
        max_depth=4,
        learning_rate=0.1,
        colsample_bytree=0.5,
        subsample=0.8,
        max_bin=64,
        n_jobs=1,
        random_state=0,
    )
    rows, label, weight = _thinned(start)
    trees.fit(rows, label, sample_weight=weight)
    rows, label, weight = _thinned(columns)
    assert 0.7 < average_precision_score(label, trees.predict_proba(rows)[:, 1], sample_weight=weight) < 0.9


def _thinned(columns: dict[str, NDArray[np.float64]]) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Keep all frauds and every fourth legitimate row, with its weight."""
    fraud = columns["Class"] == 1
    kept = fraud | (np.arange(len(fraud)) % 4 == 0)
    rows = np.column_stack([columns[name][kept] for name in [*V_COLUMNS, "Amount"]]).astype("float32")
    return rows, columns["Class"][kept], np.where(fraud, 1.0, 4.0)[kept]


@pytest.mark.parametrize(("rows", "seed"), [(0, 1), (99, 1), (1_000, -1)])
def test_what_cannot_be_simulated(rows: int, seed: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 100 rows"):
        simulate(FRAUD, rows, seed, tmp_path / "raw.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_written_tables_read_back_exactly(name: str, tmp_path: Path) -> None:
    table = simulate(FRAUD, 2_000, 4, tmp_path / "raw.parquet")
    first = write_table(table, tmp_path / "out" / name)
    assert read_raw(first, FRAUD, tmp_path / "again.parquet").read().equals(table.read())
    again = write_table(table, tmp_path / "other" / name)
    assert sha256_file(first) == sha256_file(again)


def test_csv_has_kaggles_layout(tmp_path: Path) -> None:
    table = simulate(FRAUD, 1_000, 4, tmp_path / "raw.parquet")
    lines = write_table(table, tmp_path / "creditcard.csv").read_text().splitlines()
    assert len(lines) == 1_001
    assert lines[0].replace('"', "").split(",") == list(FRAUD.columns)
    assert "." not in lines[1].split(",")[0]
    assert {line.rsplit(",", 1)[1] for line in lines[1:]} == {"0", "1"}
    assert pacsv.read_csv(tmp_path / "creditcard.csv").num_rows == 1_000


def test_a_folder_of_part_files_is_written_as_one(tmp_path: Path) -> None:
    whole = simulate(FRAUD, 1_000, 4, tmp_path / "raw.parquet").read()
    (tmp_path / "parts").mkdir()
    for part in range(2):
        pq.write_table(whole.slice(500 * part, 500), tmp_path / "parts" / f"part-{part}.parquet")
    for name in ("a.csv", "a.parquet"):
        written = write_table(Table(tmp_path / "parts"), tmp_path / name)
        assert read_raw(written, FRAUD, tmp_path / "again.parquet").read().equals(whole)


def test_a_table_that_cannot_be_written(tmp_path: Path) -> None:
    table = simulate(FRAUD, 100, 4, tmp_path / "raw.parquet")
    with pytest.raises(UnknownChoiceError, match=r"output format '.xlsx'.*\.csv, \.csv\.gz, \.parquet"):
        write_table(table, tmp_path / "a.xlsx")
    with pytest.raises(StorageError):
        write_table(table, table.path / "a.csv")
