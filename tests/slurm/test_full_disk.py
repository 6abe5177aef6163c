"""The disk of the jobs' folders is full, really."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.conftest import ToyRuns
from tests.slurm.test_runs import expected

pytestmark = [
    pytest.mark.usefixtures("zenml_store"),
    # 2026-11: ZenML 0.98 reads a field of its own filters that it has deprecated.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
    pytest.mark.full,
]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 48 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "none", str(disk)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_disk_that_fills_up_is_named_and_what_was_saved_is_gone_on_from(toy: ToyRuns, small_disk: Path, tmp_path: Path) -> None:
    toy.stack(folder=str(small_disk / "slurm"))
    filler, journal, summary = small_disk / "filler", tmp_path / "journal", tmp_path / "summary.json"
    what = {"fail": "fill", "marker": str(filler), "rounds": 6, "journal": str(journal)}
    done = toy.run("--quiet", **what)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "The disk is full" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert str(toy.last_run().steps["work"].status) == "failed"
    assert filler.stat().st_size > 1_000_000, "the disk was not full"

    left = [path for path in (small_disk / "slurm").rglob("*") if path.name.endswith(".tmp") or path.name.startswith(".exit")]
    assert left == [], "half-written"
    assert not list(small_disk.rglob("environment"))
    (saved,) = small_disk.rglob("state.json")
    assert json.loads(saved.read_text())["round"] == 2

    filler.unlink()
    again = toy.run("--summary", str(summary), **what)
    assert again.returncode == 0, again.stderr
    assert json.loads(summary.read_text())["data"]["description"] == expected(6)
    assert journal.read_text().split() == [str(number) for number in range(1, 7)], "a round was done twice, or not"
