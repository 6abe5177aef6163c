"""States in files and in Redis: what holds of one holds of the other, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.features.online.states import Build, in_file, in_redis
from tests.redis_server import RunningRedis, running_redis


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRedis]:
    """A Redis that all tests share."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.full)])
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    """Builds states of each kind."""
    return in_file(tmp_path) if request.param == "sqlite" else in_redis(request.getfixturevalue("redis").url)
