"""States in files and in Redis: what holds of one holds of the other, to the last bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.features.online.states import Build, in_file, in_redis


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.full)])
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    """Builds states of each kind."""
    return in_file(tmp_path) if request.param == "sqlite" else in_redis(request.getfixturevalue("redis").url)
