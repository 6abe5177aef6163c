"""Models that read what happened before a row: no service is given one, and what it is given besides stays the same."""

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
    file = write_payments(tmp_path / "payments", 400)
    text = re.sub(r"(?m)^name: .*$", "name: past-payments", file.read_text()) + WINDOWS
    declared = parse_declaration(text, folder=file.parent)
    described = declared_source(declared, "auto").fetch(tmp_path)[1]
    bundle = seal_bundle(tmp_path / "past", "{}", described=described)
    make_champion(store, bundle)
    return bundle


def make_champion(store: Home, bundle: Bundle) -> None:
    """Register a bundle, and name it champion of its data set."""
    version = register_bundle(store, bundle, metrics={"average_precision": 0.5}, plots={}, provenance=PROVENANCE, config={})
    open_store(store).set_registered_model_alias(version.name, "champion", str(version.version))


def test_a_service_gets_the_other_champions(store: Home, past: Bundle, make_bundle: Callable[..., Bundle]) -> None:
    with pytest.raises(UsageError, match="past-payments read what happened before each row"):
        choose(store, [], [])
    make_champion(store, make_bundle())
    assert [about.model for about, _ in choose(store, [], [])] == ["fraud"]


def test_a_service_is_refused_the_model_by_name_and_by_folder(store: Home, past: Bundle) -> None:
    for spec in ("fusionguard-past-payments@1", str(past.folder)):
        with pytest.raises(UsageError, match="score --history"):
            choose(store, [spec], [])
