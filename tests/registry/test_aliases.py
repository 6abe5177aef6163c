"""Names for versions: aliases move, and a name becomes the bundle that was registered, or an error that lists what exists."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fusionguard.errors import BundleError, RegistryError, UnknownChoiceError, UsageError
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.champion import find_champion
from fusionguard.registry.aliases import champion, find_version, resolve_bundle, set_alias
from fusionguard.registry.versions import RegisteredVersion

MakeBundle = Callable[..., Bundle]
Register = Callable[..., RegisteredVersion]


def test_aliases_point_at_one_version_and_move(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    first, second = register(make_bundle("one")), register(make_bundle("two"))
    assert champion(store, "fraud") is None
    set_alias(store, "fraud", "champion", first.version, why="a test says so")
    set_alias(store, "fraud", "challenger", second.version, why="a test says so")
    assert champion(store, "fraud") == first.model_copy(update={"created": False, "aliases": ("champion",)})
    set_alias(store, "fraud", "champion", second.version, why="a test says so")
    found = champion(store, "fusionguard-fraud")
    assert found is not None
    assert (found.version, found.aliases) == (2, ("challenger", "champion"))


def test_a_version_that_does_not_exist_gets_no_alias(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    register(make_bundle())
    with pytest.raises(RegistryError, match=r"has no version 5\. It has: 1\."):
        set_alias(store, "fraud", "champion", 5, why="a test says so")


def test_specs_resolve_to_the_bundle_that_was_registered(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    one, two = make_bundle("one"), make_bundle("two")
    register(one)
    set_alias(store, "fraud", "champion", register(two).version, why="a test says so")
    assert resolve_bundle(store, "fraud@champion").sha256 == two.sha256
    assert resolve_bundle(store, "fusionguard-fraud@champion").sha256 == two.sha256
    assert resolve_bundle(store, "fraud@1").sha256 == one.sha256
    assert resolve_bundle(store, str(one.folder)).folder == one.folder


def test_what_the_gate_has_not_promoted_is_judged_by_its_number_as_the_message_says(
    store: Home, make_bundle: MakeBundle, register: Register
) -> None:
    """The last of two versions is named by the message; by its number, as one word or as two, it is found."""
    register(make_bundle("one"))
    two = make_bundle("two")
    register(two)
    with pytest.raises(RegistryError, match=r"has no champion.*take one as it is with fraud@2\."):
        find_champion(store, "fraud")
    assert find_champion(store, "fraud@2").bundle.sha256 == two.sha256
    assert find_champion(store, "fraud", "2").bundle.sha256 == two.sha256


def test_unknown_names_list_what_exists(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    set_alias(store, "fraud", "champion", register(make_bundle()).version, why="a test says so")
    with pytest.raises(UnknownChoiceError) as caught:
        find_version(store, "fraud@chalenger")
    assert caught.value.choices == ["1", "champion"]
    with pytest.raises(UnknownChoiceError) as caught:
        find_version(store, "froud@champion")
    assert caught.value.choices == ["churn", "fraud"]
    with pytest.raises(UsageError, match=r"no bundle folder 'nowhere'.*fraud@champion"):
        resolve_bundle(store, "nowhere")


def test_an_empty_registry_says_to_train(store: Home) -> None:
    with pytest.raises(RegistryError, match=r"No version .* Train one first: make fraud\."):
        resolve_bundle(store, "fraud@champion")
    assert champion(store, "fraud") is None


def test_a_registered_bundle_that_was_altered_is_refused(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    register(make_bundle())
    folder = resolve_bundle(store, "fraud@1").folder
    (folder / "calibration.json").write_text('{"altered": true}')
    with pytest.raises(BundleError, match=r"calibration\.json"):
        resolve_bundle(store, "fraud@1")


def test_a_registered_bundle_that_was_exchanged_is_refused(store: Home, make_bundle: MakeBundle, register: Register) -> None:
    register(make_bundle("one"))
    folder, other = resolve_bundle(store, "fraud@1").folder, make_bundle("two")
    for file in other.folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    with pytest.raises(BundleError, match="not the one that was registered"):
        resolve_bundle(store, "fraud@1")
