"""The dashboard's port; tests/browser looks at its pages."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from stacks.dashboard import HOST, DashboardError, _wait_until_ready, free_port


def test_a_free_port_is_taken_as_wished() -> None:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        wished = probe.getsockname()[1]
    assert free_port(wished) == wished


def test_another_port_is_found_where_the_wished_one_is_in_use() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        wished = taken.getsockname()[1]
        assert free_port(wished) not in {0, wished}


def test_a_server_that_ends_at_its_start_is_a_clear_error(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"], cwd=tmp_path) as process:
        process.wait(30)
        with pytest.raises(DashboardError, match="status 3"):
            _wait_until_ready(process, f"http://{HOST}:1")
