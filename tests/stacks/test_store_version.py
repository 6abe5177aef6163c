"""ZenML brings its own database up to date without a word; we say it, for an earlier ZenML cannot read it any more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

DOWN = """
import sys
sys.path.insert(0, {root!r})
from stacks.session import open_client
open_client().zen_store.alembic.downgrade("-1")
"""

OPEN = """
import sys
sys.path.insert(0, {root!r})
from fusionguard.library_logs import LibraryLogs
from stacks.session import open_client
with LibraryLogs(print, own=True):
    open_client()
"""


@pytest.mark.full
def test_an_older_database_of_zenmls_is_brought_up_to_date_and_told(tmp_path: Path) -> None:
    def run(code: str) -> str:
        environment = os.environ | {"ZENML_CONFIG_PATH": str(tmp_path / "zenml")}
        command = [sys.executable, "-c", code.format(root=str(ROOT))]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run(OPEN) == "", "a fresh one is nothing to talk of"
    run(DOWN)
    assert run(OPEN).startswith("ZenML's database was brought to the version of ZenML 0."), "from a revision before"
    assert run(OPEN) == ""
