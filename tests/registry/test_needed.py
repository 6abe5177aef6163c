"""Which models stay whatever the retention: those with an alias, the released ones, and the newest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fusionguard.clean.needed import Needed, find_needed
from fusionguard.errors import BundleError, RegistryError
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.aliases import set_alias
from fusionguard.registry.versions import RegisteredVersion
from fusionguard.serving.launch import release_folder
from fusionguard.serving.release import RELEASE
from fusionguard.serving.resolve import make_release

from .conftest import run_named

MakeBundle = Callable[..., Bundle]
Register = Callable[..., RegisteredVersion]


@pytest.mark.full
def test_aliased_released_and_newest_models_and_their_runs(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    bundles = [make_bundle(content) for content in ("one", "two", "three", "four", "five", "six")]
    for number, bundle in enumerate(bundles, start=1):
        register(bundle, run=run_named(f"fraud-{number}"))
    for alias, version in (("champion", 2), ("challenger", 4), ("audited", 1)):
        set_alias(store, "fraud", alias, version, why="a test says so")
    make_release(store, release_folder(store), models=["fraud@3"])
    needed = find_needed(store)
    assert needed.runs == {"fraud-1", "fraud-2", "fraud-3", "fraud-4", "fraud-6"}
    assert needed.bundles == {bundles[place].sha256 for place in (0, 1, 2, 3, 5)}
    assert needed.holds(bundles[5].sha256[:12]) and not needed.holds(bundles[4].sha256[:12])


def test_a_release_elsewhere_and_a_bento_hold_models_that_no_registry_knows(
    home: Home, make_bundle: MakeBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = make_bundle("one"), make_bundle("two"), make_bundle("three")
    make_release(home, release_folder(home).with_name("release-3017"), models=[str(three.folder)])
    make_release(home, tmp_path / "elsewhere", models=[str(one.folder)])
    make_release(home, home.state / "bentoml" / "bentos" / "risk_scoring" / "v1" / "src" / "release", models=[str(two.folder)])
    assert find_needed(home).bundles == {two.sha256, three.sha256}
    monkeypatch.setenv("FUSIONGUARD_SERVE_RELEASE", str(tmp_path / "elsewhere"))
    assert find_needed(home) == Needed(frozenset({one.sha256, two.sha256, three.sha256}), frozenset())


def test_nobody_knows_what_is_needed_where_registry_or_release_is_damaged(home: Home) -> None:
    assert find_needed(home) == Needed(frozenset(), frozenset())
    release_folder(home).mkdir(parents=True)
    (release_folder(home) / RELEASE).write_text("{")
    with pytest.raises(BundleError, match="damaged"):
        find_needed(home)
    (release_folder(home) / RELEASE).unlink()
    (home.state / "mlflow.db").write_bytes(b"no database" * 100)
    with pytest.raises(RegistryError):
        find_needed(home)
