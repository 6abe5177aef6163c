"""The registry read without MLflow: it says what MLflow itself says, and leaves to MLflow what it does not know."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from fusionguard.errors import RegistryError
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.aliases import set_alias
from fusionguard.registry.runs import describe_run
from fusionguard.registry.stored import REVISION, stored_run, stored_versions
from fusionguard.registry.tracking import open_store
from fusionguard.registry.versions import RegisteredVersion, list_versions, read_versions, version_source

from .conftest import run_named

MakeBundle = Callable[..., Bundle]
Register = Callable[..., RegisteredVersion]
NAME = "fusionguard-fraud"


def _execute(home: Home, statement: str) -> None:
    with closing(sqlite3.connect(home.state / "mlflow.db")) as connection, connection:
        connection.execute(statement)


def test_it_knows_the_tables_of_the_mlflow_that_is_installed(store: Home) -> None:
    """Where this fails after an upgrade: compare the tables with the queries of stored.py, then name the new revision there."""
    with closing(sqlite3.connect(store.state / "mlflow.db")) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISION,)]


@pytest.mark.full
def test_it_says_what_mlflow_says(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    assert list_versions(store, "fraud") == []
    run = run_named("fraud-20261128")
    first, second, third = (register(make_bundle(content), run=run) for content in ("one", "two", "three"))
    fourth = register(make_bundle("four", origin="kaggle"))
    for alias, version in (("champion", second), ("challenger", fourth), ("before", first), ("also", second)):
        set_alias(store, "fraud", alias, version.version, why="a test says so")
    client = open_store(store)
    client.delete_model_version(NAME, str(third.version))
    client.delete_registered_model_alias(NAME, "before")
    client.log_metric(second.run_id, "later", 0.25)
    client.log_metric(second.run_id, "later", 0.75)
    client.log_metric(second.run_id, "undefined", float("nan"))

    found = list_versions(store, "fraud")
    assert found == read_versions(client, NAME)
    assert [(version.version, version.aliases) for version in found] == [(1, ()), (2, ("also", "champion")), (4, ("challenger",))]
    assert [version.pipeline_run for version in found] == ["fraud-20261128", "fraud-20261128", ""]
    for version in found:
        assert version_source(store, version) == client.get_model_version_download_uri(NAME, str(version.version))
    run, facts = client.get_run(second.run_id), describe_run(store, found[1])
    assert facts.began.timestamp() == run.info.start_time / 1000
    assert str(facts.metrics) == str(dict(sorted(run.data.metrics.items())))  # nan equals nothing, and is written alike
    assert facts.metrics["later"] == 0.75 and set(facts.metrics) == {"average_precision", "later", "undefined"}
    assert facts.zenml_run == "fraud-20261128"
    assert stored_run(store, "0" * 32) is None


def test_another_version_of_the_tables_is_left_to_mlflow(store: Home) -> None:
    assert stored_versions(store, NAME) == []
    _execute(store, "UPDATE alembic_version SET version_num = '0a8213491aaa'")
    assert stored_versions(store, NAME) is None
    with pytest.raises(RegistryError, match="made by another version of MLflow"):
        list_versions(store, "fraud")


def test_workspaces_are_left_to_mlflow(store: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    assert stored_versions(store, NAME) is None


def test_a_store_that_is_no_file_of_sqlite_is_left_to_mlflow(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stored_versions(home, NAME) is None and stored_run(home, "1") is None  # there is no file yet
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert stored_versions(home, NAME) is None


def test_damage_is_said_in_one_line(store: Home) -> None:
    database: Path = store.state / "mlflow.db"
    database.write_bytes(database.read_bytes()[:4096])
    with pytest.raises(RegistryError, match=r"is damaged \(.+\); nothing was changed"):
        list_versions(store, "fraud")
