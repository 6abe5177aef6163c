"""Models that read what happened before a row: services are given them, and challengers whose champion looks the same up."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionguard.datasets.declared_source import declared_source
from fusionguard.datasets.reading import parse_declaration
from fusionguard.errors import UsageError
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.register import register_bundle
from fusionguard.registry.tracking import open_store
from fusionguard.serving.resolve import choose

from ..foreign import write_payments
from .conftest import PROVENANCE, seal_bundle

WINDOWS = "windows:\n  card: {spans: [1d, 30d], of: [count, mean]}\n"


@pytest.fixture
def past(store: Home, tmp_path: Path) -> Bundle:
    """The champion of payments that read what their cards did before."""
    bundle = declare(tmp_path / "past", WINDOWS, "{}")
    make_champion(store, bundle)
    return bundle


def declare(folder: Path, windows: str, config: str) -> Bundle:
    """Seal a model of payments with windows; models with another configuration are other ones."""
    file = write_payments(folder / "payments", 400)
    text = re.sub(r"(?m)^name: .*$", "name: past-payments", file.read_text()) + windows
    declared = parse_declaration(text, folder=file.parent)
    described = declared_source(declared, "auto").fetch(folder)[1]
    return seal_bundle(folder / "bundle", config, described=described)


def make_champion(store: Home, bundle: Bundle) -> None:
    """Register a bundle, and name it champion of its data set."""
    version = register_bundle(store, bundle, metrics={"average_precision": 0.5}, plots={}, provenance=PROVENANCE, config={})
    open_store(store).set_registered_model_alias(version.name, "champion", str(version.version))


def test_a_service_gets_its_champion_beside_the_others(store: Home, past: Bundle, make_bundle: Callable[..., Bundle]) -> None:
    make_champion(store, make_bundle())
    assert sorted(about.model for about, _ in choose(store, [], [])) == ["fraud", "past-payments"]
    spec = "fusionguard-past-payments@1"
    assert choose(store, [spec], [])[0][1].sha256 == choose(store, [str(past.folder)], [])[0][1].sha256 == past.sha256


def test_a_challenger_is_shadowed_where_its_champion_looks_up_what_it_reads(store: Home, past: Bundle, tmp_path: Path) -> None:
    def challenger(name: str, windows: str) -> str:
        return str(declare(tmp_path / name, windows, '{"other": 1}').folder)

    champion = str(past.folder)
    same = choose(store, [champion], [challenger("same", WINDOWS)])
    assert [about.role for about, _ in same] == ["champion", "challenger"]
    assert len(choose(store, [champion], [challenger("none", "")])) == 2, "who reads no past sees enough"
    longer = challenger("longer", WINDOWS.replace("30d", "60d"))
    with pytest.raises(UsageError, match="past-payments challenger reads of what happened before what its champion does not"):
        choose(store, [champion], [longer])
    with pytest.raises(UsageError, match="Shadow a model with the same windows"):
        choose(store, [challenger("bare", "")], [longer])
