"""Bundles made by hand: the registry does not look into them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fusionguard.data.provenance import Provenance
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.register import register_bundle
from fusionguard.registry.versions import RegisteredVersion

PROVENANCE = Provenance(dataset="fraud", origin="simulated", description="drawn by a test", sha256="1" * 64, rows=3)


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Bundle]:
    """Make a sealed bundle; other ``content`` makes another SHA-256."""

    def make(content: str = "{}", origin: str = "simulated") -> Bundle:
        folder = tmp_path / f"bundle-{abs(hash(content))}"
        folder.mkdir()
        (folder / "calibration.json").write_text(content)
        facts = {
            "features_sha256": "2" * 64,
            "source_sha256": "1" * 64,
            "negative_sampling_rate": 1.0,
            "feature_schema_version": 1,
        }
        return Bundle.seal(folder, model="fraud", origin=origin, train_range_seconds=(0, 9), seed=1, config={}, **facts)

    return make


@pytest.fixture
def register(store: Home) -> Callable[..., RegisteredVersion]:
    """Register a bundle with few facts."""

    def call(bundle: Bundle, **facts: object) -> RegisteredVersion:
        given = {"metrics": {"average_precision": 0.5}, "plots": {}, "provenance": PROVENANCE, "config": {"seed": 7}}
        return register_bundle(store, bundle, **(given | facts))  # type: ignore[arg-type]

    return call
