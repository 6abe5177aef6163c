"""The rules of names and bundles, with a registry that answers at once; ``test_aliases.py`` holds them against a real one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fusionguard.errors import BundleError, RegistryError, UnknownChoiceError, UsageError
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry import aliases
from fusionguard.registry.aliases import champion, find_version, resolve_bundle, set_alias
from fusionguard.registry.versions import RegisteredVersion

MakeBundle = Callable[..., Bundle]


class Registry:
    """A registry of versions; the files of all of them lie in ``place``, elsewhere unless ``local``."""

    def __init__(self, home: Home, place: Path) -> None:
        self.home, self.place, self.local = home, place, True
        self.versions: list[RegisteredVersion] = []
        self.moves: list[tuple[str, str, str]] = []
        self.tags: dict[str, Any] = {}
        self.asked: list[tuple[str, int]] = []
        self.fetched: list[tuple[str, str]] = []

    def add(self, bundle: Bundle, *names: str) -> None:
        self.versions.append(
            RegisteredVersion(
                name="fusionguard-fraud",
                version=len(self.versions) + 1,
                run_id="run",
                bundle_sha256=bundle.sha256,
                origin="simulated",
                aliases=names,
            )
        )

    def list_versions(self, home: Home, model: str) -> list[RegisteredVersion]:
        assert home == self.home and model in ("fraud", "fusionguard-fraud")
        return self.versions

    def read_versions(self, client: Any, name: str) -> list[RegisteredVersion]:
        assert (client, name) == (self, "fusionguard-fraud")
        return self.versions

    def open_store(self, home: Home) -> Registry:
        assert home == self.home
        return self

    def version_source(self, home: Home, version: RegisteredVersion) -> str:
        assert home == self.home and version in self.versions
        if self.local:
            return self.place.as_uri()
        self.asked.append((version.name, version.version))
        return "mlflow-artifacts:/7/model"

    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        self.tags[key] = json.loads(value)

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        del self.tags[key]

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        self.moves.append((name, alias, version))

    def download_artifacts(self, uri: str, *, dst_path: str, tracking_uri: str) -> str:
        """Put the files three folders deep, as MLflow does with an artifact's own path."""
        self.fetched.append((uri, tracking_uri))
        got = Path(dst_path) / "artifacts" / "bundle"
        got.parent.mkdir()
        (self.place / "artifacts" / "bundle").rename(got)
        return str(got)


@pytest.fixture
def registry(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    known = Registry(home, tmp_path / "files")
    home.state.mkdir(parents=True)
    for name in ("list_versions", "read_versions", "open_store", "version_source"):
        monkeypatch.setattr(aliases, name, getattr(known, name))
    monkeypatch.setitem(aliases.resolve_bundle.__globals__, "BUNDLE_PATH", "artifacts/bundle")
    import mlflow.artifacts

    monkeypatch.setattr(mlflow.artifacts, "download_artifacts", known.download_artifacts)
    return known


def stored(registry: Registry, bundle: Bundle) -> Path:
    """Lay a bundle's files where the registry keeps them."""
    target = registry.place / "artifacts" / "bundle"
    target.parent.mkdir(parents=True)
    target.mkdir()
    for file in bundle.folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def test_the_champion_is_the_version_of_that_name(registry: Registry, home: Home, make_bundle: MakeBundle) -> None:
    assert champion(home, "fraud") is None
    registry.add(make_bundle("one"), "challenger")
    assert champion(home, "fraud") is None
    registry.add(make_bundle("two"), "best", "champion")
    found = champion(home, "fraud")
    assert found is not None and found.version == 2


def test_an_alias_is_set_on_a_version_that_exists(registry: Registry, home: Home, make_bundle: MakeBundle) -> None:
    with pytest.raises(RegistryError) as caught:
        set_alias(home, "fraud", "champion", 1, why="a test says so")
    assert str(caught.value) == "'fusionguard-fraud' has no version 1. It has: none."
    registry.add(make_bundle("one"))
    registry.add(make_bundle("two"))
    set_alias(home, "fraud", "challenger", 2, why="a test says so")
    assert registry.moves == [("fusionguard-fraud", "challenger", "2")]
    ((key, kept),) = registry.tags.items()
    assert key.startswith("alias_move.2") and ".challenger." in key
    assert (kept["before"], kept["after"], kept["why"]) == (None, 2, "a test says so")
    with pytest.raises(RegistryError) as caught:
        set_alias(home, "fraud", "champion", 3, why="a test says so")
    assert str(caught.value) == "'fusionguard-fraud' has no version 3. It has: 1, 2."


def test_what_the_registry_refuses_is_told_in_one_line(
    registry: Registry, home: Home, make_bundle: MakeBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.exceptions import MlflowException

    def refuse(*given: Any, **named: Any) -> None:
        raise MlflowException("no such user")

    registry.add(make_bundle(), "champion")
    said = rf"^MLflow \({home.mlflow_uri}\) refused: no such user"
    monkeypatch.setattr(registry, "set_registered_model_alias", refuse)
    with pytest.raises(RegistryError, match=said):
        set_alias(home, "fraud", "challenger", 1, why="a test says so")
    assert registry.tags == {}, "a move that was refused leaves no record"
    registry.local = False
    monkeypatch.setattr("mlflow.artifacts.download_artifacts", refuse)
    with pytest.raises(RegistryError, match=said):
        resolve_bundle(home, "fraud@champion")


def test_a_version_is_found_by_number_and_by_every_alias(registry: Registry, home: Home, make_bundle: MakeBundle) -> None:
    with pytest.raises(RegistryError) as caught:
        find_version(home, "fusionguard-fraud@champion")
    assert str(caught.value) == "No version of 'fusionguard-fraud' is registered yet. Train one first: make fraud."
    registry.add(make_bundle("one"), "old", "oldest")
    registry.add(make_bundle("two"), "champion")
    for spec, version in {"fraud@1": 1, "fraud@oldest": 1, "fusionguard-fraud@2": 2, "fraud@champion": 2}.items():
        assert find_version(home, spec).version == version
    with pytest.raises(UnknownChoiceError) as unknown:
        find_version(home, "fraud@3@x")
    assert unknown.value.choices == ["1", "2", "champion", "old", "oldest"]
    assert str(unknown.value).startswith("Unknown version or alias of 'fusionguard-fraud' '3@x'")


def test_a_local_bundle_is_opened_where_it_lies(registry: Registry, home: Home, make_bundle: MakeBundle) -> None:
    bundle = make_bundle("one")
    registry.add(bundle, "champion")
    with pytest.raises(BundleError) as caught:
        resolve_bundle(home, "fraud@champion")
    assert f"The files of 'fusionguard-fraud' version 1 are gone: {registry.place}." in str(caught.value)
    folder = stored(registry, bundle)
    assert resolve_bundle(home, "fraud@champion").folder == folder
    assert resolve_bundle(home, str(bundle.folder)).folder == bundle.folder
    registry.add(make_bundle("two"), "other")
    with pytest.raises(BundleError, match="'fusionguard-fraud' version 2 is not the one that was registered"):
        resolve_bundle(home, "fraud@other")
    with pytest.raises(UsageError, match="There is no bundle folder 'nowhere'"):
        resolve_bundle(home, "nowhere")


def test_a_folder_of_the_users_own_home_is_found(
    registry: Registry, home: Home, make_bundle: MakeBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_bundle()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_bundle(home, f"~/{bundle.folder.name}").folder == bundle.folder


def test_a_remote_bundle_is_fetched_once_and_again_where_it_was_damaged(
    registry: Registry, home: Home, make_bundle: MakeBundle
) -> None:
    bundle = make_bundle("one")
    registry.add(bundle, "champion")
    registry.local = False
    kept = home.state / "bundles" / bundle.sha256
    for fetches in (1, 2):
        stored(registry, bundle)
        for _ in range(2):
            got = resolve_bundle(home, "fraud@champion")
            assert (got.folder, got.sha256) == (kept, bundle.sha256)
            assert len(registry.fetched) == fetches
        assert {file.name for file in kept.iterdir()} == {file.name for file in bundle.folder.iterdir()}
        (registry.place / "artifacts").rmdir()
        registry.place.rmdir()
        (kept / "calibration.json").write_text('{"damaged": true}')
    assert set(registry.fetched) == {("mlflow-artifacts:/7/model/artifacts/bundle", home.mlflow_uri)}
    assert set(registry.asked) == {("fusionguard-fraud", 1)}
