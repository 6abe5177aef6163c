"""``make dashboard`` before it serves: what was moved since the last run is followed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import pipelines.dashboard as dashboard
from fusionguard.home import Home
from fusionguard.registry.aliases import set_alias
from fusionguard.registry.tracking import open_store
from fusionguard.registry.versions import BUNDLE_TAG, ORIGIN_TAG

pytestmark = [
    pytest.mark.usefixtures("zenml_store"),
    # 2026-11: ZenML 0.98 leaves closing its SQLite connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
NAME = "fusionguard-fraud"


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "serve", lambda: 7)


def test_an_alias_that_was_moved_by_hand_is_followed(store: Home) -> None:
    from zenml.client import Client

    client = open_store(store)
    client.create_registered_model(NAME)
    for mark in ("a1", "b2"):
        client.create_model_version(NAME, mark, run_id=mark, tags={BUNDLE_TAG: mark * 32, ORIGIN_TAG: "kaggle"})
    set_alias(store, "fraud", "champion", 1, why="a test says so")
    assert dashboard.main() == 7
    set_alias(store, "fraud", "champion", 2, why="a test says so")
    assert dashboard.main() == 7
    pages = Client().list_model_versions(stage="production", hydrate=True, size=100).items
    assert [page.name for page in pages if page.run_metadata.get("bundle_sha256") == "b2" * 32] == ["v2"]
    assert not [page for page in pages if page.run_metadata.get("bundle_sha256") == "a1" * 32]


def test_without_a_registry_and_with_a_damaged_one_the_dashboard_opens(
    home: Home, blank_database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (dashboard.main(), capsys.readouterr().err) == (7, "")
    home.state.mkdir(parents=True)
    shutil.copy(blank_database, home.state / "mlflow.db")
    with (home.state / "mlflow.db").open("r+b") as file:
        file.truncate(9_000)
    assert dashboard.main() == 7
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Stages of models may be old: MLflow's database") and "is damaged" in line
