"""Code to a cluster and results back: shown first, done when told, nothing deleted in silence."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "stacks" / "hpc_sync.sh"
pytestmark = pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a bit of everything, and a cluster that is a folder beside it."""
    here = tmp_path / "checkout"
    for name in ("run.py", "src/a.py", "data/README.md", "data/raw/x.csv", ".venv/big", ".fusionguard/mlflow.db", ".git/config"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(name)
    (here / "stacks").mkdir()
    shutil.copy(SCRIPT, here / "stacks" / "hpc_sync.sh")
    (tmp_path / "cluster").mkdir()
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nwhile [ "$1" != host ]; do shift; done\nshift\nexec sh -c "$*"\n')
    ssh.chmod(0o755)
    return here


def _sync(checkout: Path, direction: str, **variables: str) -> subprocess.CompletedProcess[str]:
    there = checkout.parent / "cluster"
    environment = os.environ | {"RSYNC_RSH": str(checkout.parent / "ssh"), "HPC": f"me@host:{there}"} | variables
    command = ["bash", str(checkout / "stacks" / "hpc_sync.sh"), direction]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_done_until_it_is_told_to(checkout: Path) -> None:
    there = checkout.parent / "cluster"
    shown = _sync(checkout, "push")
    assert shown.returncode == 0, shown.stderr
    assert "nothing is done yet" in shown.stdout
    assert "src/a.py" in shown.stdout
    assert _files(there) == set()
    assert _sync(checkout, "push", GO="1").returncode == 0
    assert _files(there) == {"run.py", "src/a.py", "data/README.md", "stacks/hpc_sync.sh"}
    assert _sync(checkout, "push", GO="1", DATA="1").returncode == 0
    assert "data/raw/x.csv" in _files(there)


def test_what_git_leaves_out_and_what_may_hold_keys_stays_here(checkout: Path) -> None:
    ignored = (SCRIPT.parents[1] / ".gitignore").read_text().split()
    left_out = [line.strip("/").replace("*", "x") for line in ignored if not line.startswith("!")] + [".env"]
    for name in left_out:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        if not (checkout / name).exists():
            (checkout / name).write_text("of this machine")
    assert _sync(checkout, "push", GO="1").returncode == 0
    assert _files(checkout.parent / "cluster") == {"run.py", "src/a.py", "data/README.md", "stacks/hpc_sync.sh"}


def test_what_is_only_there_stays_unless_it_is_told_to_go(checkout: Path) -> None:
    there = checkout.parent / "cluster"
    (there / "notes.txt").write_text("mine")
    (there / ".fusionguard").mkdir()
    (there / ".fusionguard" / "state").write_text("state")
    assert _sync(checkout, "push", GO="1").returncode == 0
    assert "notes.txt" in _files(there)
    shown = _sync(checkout, "push", DELETE="1")
    assert "*deleting   notes.txt" in shown.stdout
    assert "notes.txt" in _files(there)
    assert _sync(checkout, "push", GO="1", DELETE="1").returncode == 0
    assert "notes.txt" not in _files(there)
    assert ".fusionguard/state" in _files(there)


@pytest.mark.parametrize("delete", ["", "1"])
def test_what_a_site_has_set_for_itself_is_neither_replaced_nor_deleted(checkout: Path, delete: str) -> None:
    there = checkout.parent / "cluster" / "stacks"
    there.mkdir()
    (checkout / "stacks" / "hpc.yaml").write_text("description: new\n")
    (checkout / "stacks" / "hpc.site.yaml").write_text("of my laptop")
    (there / "hpc.site.yaml").write_text("of the cluster")
    (there / "hpc.yaml").write_text("description: old, edited on the cluster\n")
    for _ in range(2):
        done = _sync(checkout, "push", GO="1", DELETE=delete)
        assert done.returncode == 0, done.stderr
        assert (there / "hpc.site.yaml").read_text() == "of the cluster"
        assert (there / "hpc.yaml").read_text() == "description: new\n"
        assert (there / "hpc.yaml.replaced").read_text() == "description: old, edited on the cluster\n"


def test_results_come_back_beside_those_that_are_here(checkout: Path) -> None:
    there = checkout.parent / "cluster" / ".fusionguard"
    for name in (
        "models/v1/card.md",
        "slurm/runs/r/s/log",
        "slurm/runs/r/s/environment",
        "slurm/runs/r/s/checkpoints/c",
        "mlflow.db",
    ):
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_text("from the cluster")
    assert _sync(checkout, "pull").returncode == 0
    assert not (checkout / ".fusionguard" / "hpc").exists()
    done = _sync(checkout, "pull", GO="1")
    assert done.returncode == 0, done.stderr
    assert _files(checkout / ".fusionguard" / "hpc") == {"models/v1/card.md", "slurm/runs/r/s/log"}
    assert (checkout / ".fusionguard" / "mlflow.db").read_text() == ".fusionguard/mlflow.db"


@pytest.mark.parametrize("target", ["", "host", "-oProxyCommand=id:x", "host:-x", "a b:c"])
def test_a_target_that_is_none_is_refused(checkout: Path, target: str) -> None:
    refused = _sync(checkout, "push", HPC=target, GO="1")
    assert refused.returncode == 2
    assert "make hpc-push HPC=user@host:folder" in refused.stderr
