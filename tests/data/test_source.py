"""Choosing a source: each spec means one thing, and what is wrong gets the valid choices."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fusionguard.data.export import write_table
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.creditcard.schema import FRAUD
from fusionguard.datasets.resolve_source import resolve_source
from fusionguard.datasets.simulated import simulate
from fusionguard.errors import UnknownChoiceError, UsageError
from fusionguard.home import Home


@pytest.fixture(autouse=True)
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def csv_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("csv")
    return write_table(simulate(FRAUD, 1_000, 5, folder / "raw.parquet"), folder / "creditcard.csv")


def test_simulated(home: Home, tmp_path: Path) -> None:
    source = resolve_source("simulated", FRAUD, home, seed=3, rows=1_000)
    raw = source.fetch(tmp_path)
    assert source.name == raw.provenance.origin == "simulated"
    assert source.description == "SIMULATED data, 1,000 rows from seed 3 (asked for)"
    assert raw.provenance.description == "simulator version 1, 1,000 rows, seed 3"
    assert raw.table.path == tmp_path / "raw.parquet"
    assert raw.table.rows == raw.provenance.rows == 1_000


def test_fingerprint_of_simulated_data_follows_what_decides_the_rows(home: Home) -> None:
    prints = {
        resolve_source("simulated", FRAUD, home, seed=seed, rows=rows).fingerprint for seed in (1, 2) for rows in (1_000, 2_000)
    }
    assert len(prints) == 4


@pytest.mark.parametrize("packed", ["creditcard.csv", "creditcard.csv.gz", "creditcard.parquet"])
def test_a_file_and_its_folder_give_the_same_rows(packed: str, csv_file: Path, home: Home, tmp_path: Path) -> None:
    simulated = simulate(FRAUD, 1_000, 5, tmp_path / "again.parquet")
    file = write_table(simulated, tmp_path / "given" / packed)
    by_name = resolve_source(str(file), FRAUD, home, seed=1, rows=1_000)
    by_folder = resolve_source(str(file.parent), FRAUD, home, seed=1, rows=1_000)
    assert by_name.fingerprint == by_folder.fingerprint
    assert by_folder.fetch(tmp_path / "run").table.read().equals(simulated.read())


def test_auto_prefers_a_local_file_and_says_so(csv_file: Path, home: Home, tmp_path: Path) -> None:
    (home.raw / "fraud").mkdir(parents=True)
    shutil.copy(csv_file, home.raw / "fraud")
    source = resolve_source("auto", FRAUD, home, seed=1, rows=1_000)
    assert source.description == "local file creditcard.csv (found in data/raw/fraud)"
    assert source.fetch(tmp_path).provenance.origin == "local"


def test_auto_falls_back_to_simulated_and_says_why(home: Home) -> None:
    source = resolve_source("auto", FRAUD, home, seed=1, rows=1_000)
    assert source.name == "simulated"
    assert source.description.endswith("(no file in data/raw/fraud, no Kaggle credentials)")


def test_unknown_spec_lists_the_choices(home: Home) -> None:
    with pytest.raises(
        UnknownChoiceError, match=r"Unknown source 'kagle'.*auto, kaggle, simulated, the path of a file or folder"
    ):
        resolve_source("kagle", FRAUD, home, seed=1, rows=1_000)


@pytest.mark.parametrize("spec", ["missing/creditcard.csv", "creditcard.csv"])
def test_a_path_that_is_not_there(spec: str, home: Home) -> None:
    with pytest.raises(UsageError, match=rf"'{spec}' does not exist.*auto, kaggle, simulated"):
        resolve_source(spec, FRAUD, home, seed=1, rows=1_000)


def test_a_folder_without_the_file(home: Home, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no creditcard\.csv"):
        resolve_source(str(tmp_path), FRAUD, home, seed=1, rows=1_000)


def test_simulated_customers(home: Home, tmp_path: Path) -> None:
    raw = resolve_source("simulated", CHURN, home, seed=1, rows=1_000).fetch(tmp_path)
    assert raw.table.columns == list(CHURN.columns)
    assert (raw.provenance.dataset, raw.provenance.origin) == ("churn", "simulated")
