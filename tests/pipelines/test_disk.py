"""A disk that is full, and a folder that may not be written, with a real file system."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("zenml_store")
RUN_TOY = Path(__file__).with_name("run_toy.py")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"may not mount a small file system here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"FUSIONGUARD_HOME": str(home)}
    command = [sys.executable, str(RUN_TOY), "--pipeline", "toy", "--quiet", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


@pytest.mark.full
def test_a_disk_that_fills_up_ends_the_run_with_one_line_and_leaves_nothing_half_written(small_disk: Path) -> None:
    done = _run(small_disk / "home", "--set", "rows=1000000")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "disk is full" in line
    artifacts = small_disk / "home" / ".fusionguard" / "artifacts"
    assert not list(artifacts.rglob("*.parquet"))
    assert _run(small_disk / "home").returncode == 0


def test_a_read_only_folder_is_one_line_before_anything_runs(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = _run(small_disk / "home")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Cannot write {small_disk}/home/.fusionguard: Read-only file system.")
    assert "choose another folder" in line


def test_a_summary_on_a_read_only_folder_is_found_before_the_run(small_disk: Path, tmp_path: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = _run(tmp_path / "home", "--summary", str(small_disk / "summary.json"))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Cannot write {small_disk}/summary.json: Read-only file system. ")
    assert line.endswith("choose another folder.")
    assert not (tmp_path / "home").exists()
