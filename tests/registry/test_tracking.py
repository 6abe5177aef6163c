"""The store: found healthy, made whole, or refused with one line; never changed when damaged."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from fusionguard.errors import RegistryError, StorageError
from fusionguard.home import Home
from fusionguard.registry.tracking import check_database, experiment_id, open_store


def test_an_absent_store_is_an_error_that_says_what_to_do(home: Home) -> None:
    with pytest.raises(RegistryError, match=r"no model registry at .* make fraud"):
        open_store(home)
    assert not home.state.exists()


def test_the_store_is_made_whole_and_found_again(home: Home) -> None:
    open_store(home, create=True)
    assert {path.name for path in home.state.iterdir()} == {"mlflow.db", ".mlflow.db.lock"}
    check_database(home.state / "mlflow.db")
    assert open_store(home).search_registered_models() == []


def test_the_experiment_keeps_its_artifacts_in_the_home(store: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    client = open_store(store)
    first = experiment_id(store, client, "fusionguard-churn")
    assert experiment_id(store, client, "fusionguard-churn") == first
    assert experiment_id(store, client, "fusionguard-fraud") != first
    assert client.get_experiment(first).name == "fusionguard-churn"
    assert client.get_experiment(first).artifact_location == store.mlflow_artifacts.as_uri()
    assert not (tmp_path / "mlruns").exists()


def test_opening_a_store_leaves_mlflows_global_state_alone(store: Home) -> None:
    open_store(store)
    assert "MLFLOW_TRACKING_URI" not in os.environ


@pytest.mark.parametrize("kept_bytes", [0, 50, 4096, 100_000])
def test_a_truncated_database_is_refused_and_kept(store: Home, kept_bytes: int) -> None:
    database = store.state / "mlflow.db"
    damaged = database.read_bytes()[:kept_bytes]
    database.write_bytes(damaged)
    with pytest.raises(RegistryError, match=r"is damaged \(.+\); nothing was changed\. Put a backup in its place"):
        open_store(store, create=True)
    assert database.read_bytes() == damaged


def test_a_file_that_is_no_database_is_refused_and_kept(store: Home) -> None:
    database = store.state / "mlflow.db"
    database.write_text("not a database, but long enough to be taken for one " * 100)
    with pytest.raises(RegistryError, match="file is not a database"):
        open_store(store, create=True)
    assert database.read_text().startswith("not a database")


def test_another_programs_database_is_refused(home: Home) -> None:
    home.state.mkdir(parents=True)
    with sqlite3.connect(home.state / "mlflow.db") as connection:
        connection.execute("CREATE TABLE something (x)")
    connection.close()
    with pytest.raises(RegistryError, match="not a database of MLflow's"):
        open_store(home, create=True)


def test_a_database_of_another_mlflow_says_how_to_upgrade(store: Home) -> None:
    with sqlite3.connect(store.state / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0a8213491aaa'")
    connection.close()
    with pytest.raises(RegistryError, match=r"made by another version of MLflow.*mlflow db upgrade"):
        open_store(store)


def test_a_dead_server_is_said_fast(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as reserved:  # bound but not listening: connections are refused
        reserved.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{reserved.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(RegistryError, match=r"does not answer \(.*refused.*\).*MLFLOW_TRACKING_URI"):
            open_store(home, create=True)
    assert time.monotonic() - started < 5


def test_a_server_that_hangs_is_said_fast_and_its_password_is_not_shown(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fusionguard.registry.tracking.ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(RegistryError, match="timed out"):
            open_store(home)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://user:secret@127.0.0.1:1/mlflow")
    with pytest.raises(RegistryError, match="does not answer") as caught:
        open_store(home)
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_home_is_said(home: Home) -> None:
    home.root.mkdir()
    home.root.chmod(0o555)
    with pytest.raises(StorageError, match="may not write there"):
        open_store(home, create=True)


def test_a_home_below_a_file_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="A parent of it is a file"):
        open_store(Home(tmp_path / "file"), create=True)


def test_an_interrupt_while_the_store_is_made_leaves_none(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def half_made(uri: str) -> None:
        Path(uri.removeprefix("sqlite:///")).write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr("fusionguard.registry.tracking._client", half_made)
    with pytest.raises(KeyboardInterrupt):
        open_store(home, create=True)
    assert {path.name for path in home.state.iterdir()} == {".mlflow.db.lock"}
