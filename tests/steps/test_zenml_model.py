"""ZenML's model follows the registry: versions, stages as the aliases say, and one model for each registry."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fusionguard.home import Home
from fusionguard.registry.aliases import set_alias
from fusionguard.registry.tracking import open_store
from fusionguard.registry.versions import BUNDLE_TAG, FAMILY_TAG, ORIGIN_TAG

pytestmark = [
    pytest.mark.usefixtures("zenml_store"),
    # 2026-11: ZenML 0.98 leaves closing its SQLite connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
NAME = "fusionguard-churn"


def _register(home: Home, count: int) -> list[str]:
    """Register ``count`` versions of nothing, and return the SHA-256 that each has."""
    client = open_store(home)
    marks = [uuid4().hex for _ in range(count)]
    if not client.search_registered_models(filter_string=f"name = '{NAME}'"):
        client.create_registered_model(NAME)
    for mark in marks:
        tags = {BUNDLE_TAG: mark, ORIGIN_TAG: "simulated" if mark != marks[-1] else "local"}
        client.create_model_version(NAME, str(home.mlflow_artifacts / mark), run_id=f"run-{mark}", tags=tags)
    return marks


def _stages(home: Home) -> dict[int, str]:
    from steps.zenml_model import follow_registry

    return {number: str(shown.stage) for number, shown in follow_registry(home, "churn").items()}


def test_where_nothing_is_registered_there_is_no_model(home: Home, store: Home) -> None:
    assert _stages(Home(home.root / "elsewhere")) == {}
    assert _stages(store) == {}


def test_versions_and_stages_follow_the_aliases_wherever_they_are_moved(store: Home) -> None:
    from zenml.client import Client

    from steps.zenml_model import follow_registry

    marks = _register(store, 3)
    set_alias(store, "churn", "champion", 2, why="a test says so")
    set_alias(store, "churn", "challenger", 3, why="a test says so")
    assert _stages(store) == {1: "archived", 2: "production", 3: "staging"}
    set_alias(store, "churn", "champion", 3, why="a test says so")  # promoted: the version has both aliases
    assert _stages(store) == {1: "archived", 2: "archived", 3: "production"}
    set_alias(store, "churn", "champion", 1, why="a test says so")  # rolled back
    set_alias(store, "churn", "challenger", 2, why="a test says so")
    assert _stages(store) == {1: "production", 2: "staging", 3: "archived"}
    set_alias(store, "churn", "champion", 2, why="a test says so")
    set_alias(store, "churn", "challenger", 1, why="a test says so")  # the two have changed places
    assert _stages(store) == {1: "staging", 2: "production", 3: "archived"}

    _register(store, 1)
    shown = follow_registry(store, "churn")
    assert [shown[number].name for number in shown] == ["v1", "v2", "v3", "v4"]
    versions = {number: Client().get_model_version(each.model.id, each.id) for number, each in shown.items()}
    facts = {"mlflow_version": 3, "mlflow_run": f"run-{marks[2]}", "bundle_sha256": marks[2], "data_origin": "local"}
    assert versions[3].run_metadata == facts
    assert {tag.name for tag in versions[3].tags} == {"churn", "origin:local"}
    assert {tag.name for tag in versions[1].tags} == {"churn", "origin:simulated"}
    assert versions[1].description == "Version 1 of fusionguard-churn in MLflow"
    assert str(Client().get_model(shown[1].model.id).description).startswith(
        "Bank-customer churn: the probability that a customer"
    )


def test_a_version_that_the_registry_has_deleted_is_in_production_no_more(store: Home) -> None:
    from zenml.client import Client

    from steps.zenml_model import follow_registry

    _register(store, 2)
    set_alias(store, "churn", "champion", 2, why="a test says so")
    shown = follow_registry(store, "churn")
    Client().create_model_version(shown[2].model.id, "somebody's own")
    open_store(store).delete_model_version(NAME, "2")
    assert _stages(store) == {1: "archived"}
    stages = {each.name: each.stage for each in Client().list_model_versions(model=shown[2].model.id).items}
    assert stages == {"v1": "archived", "v2": "archived", "somebody's own": None}


@pytest.mark.full
def test_an_alias_moved_while_another_run_looks_gets_its_stage(store: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from zenml.client import Client

    from steps import zenml_model

    def roll_back() -> None:
        set_alias(store, "churn", "champion", 1, why="a test says so")
        zenml_model.follow_registry(store, "churn")

    def slow(*given: Any) -> Any:
        if not others:
            others.append(pool.submit(roll_back))
            wait(others, timeout=3)
        return found(*given)

    _register(store, 2)
    set_alias(store, "churn", "champion", 2, why="a test says so")
    others: list[Future[None]] = []
    found = zenml_model._model
    monkeypatch.setattr(zenml_model, "_model", slow)
    with ThreadPoolExecutor(1) as pool:
        shown = zenml_model.follow_registry(store, "churn")
    others[0].result()
    stages = {each.name: each.stage for each in Client().list_model_versions(model=shown[2].model.id).items}
    assert stages == {"v1": "production", "v2": "archived"}


def test_two_registries_that_share_a_zenml_store_do_not_fight(
    store: Home, tmp_path: Path, blank_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steps.zenml_model import follow_registry

    other = Home(tmp_path / "other")
    other.state.mkdir(parents=True)
    (other.state / "mlflow.db").write_bytes(blank_database.read_bytes())
    models: list[Any] = []
    for home, count, champion in ((store, 2, 2), (other, 1, 1), (store, 0, 2)):
        if count:
            _register(home, count)
            set_alias(home, "churn", "champion", champion, why="a test says so")
        shown = follow_registry(home, "churn")
        assert str(shown[champion].stage) == "production"
        models.append(shown[champion].model)
    first, second, again = models
    assert first.id == again.id != second.id
    assert second.name.startswith(f"{NAME}-")
    assert first.name == NAME or first.name.startswith(f"{NAME}-")  # other tests of the session have registries, too


def test_a_declared_data_set_has_a_model_of_its_own_that_says_its_family(store: Home) -> None:
    from zenml.client import Client

    from steps.zenml_model import follow_registry

    client, name, mark = open_store(store), f"fusionguard-telco-{uuid4().hex[:6]}", uuid4().hex
    client.create_registered_model(name)
    tags = {BUNDLE_TAG: mark, ORIGIN_TAG: "local", FAMILY_TAG: "churn"}
    client.create_model_version(name, str(store.mlflow_artifacts / mark), run_id=f"run-{mark}", tags=tags)
    [shown] = follow_registry(store, name).values()
    model = Client().get_model(shown.model.id)
    own = name.removeprefix("fusionguard-")
    assert model.name == name
    assert {tag.name for tag in model.tags if not tag.name.startswith("registry:")} == {"churn", f"dataset:{own}"}
    assert model.description == f"Models of the data set '{own}', made by the pipeline churn"
    assert {tag.name for tag in shown.tags} == {"churn", f"dataset:{own}", "origin:local"}
    assert _stages(store) == {}
