"""Who runs a process, and of which code: a real git repository says it, and its absence is no error."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fusionguard.registry.pipeline_run import find_source, this_process


def _git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    done = subprocess.run(["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one commit."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "run.py").write_text("# one\n")
    _git(folder, "init", "--quiet")
    _git(folder, "add", "run.py")
    _git(folder, "commit", "--quiet", "--message", "one")
    monkeypatch.setattr("fusionguard.registry.pipeline_run.find_checkout", lambda: folder)
    return folder


def test_the_commit_and_whether_files_differ_from_it(checkout: Path) -> None:
    commit = _git(checkout, "rev-parse", "HEAD")
    (checkout / "notes.txt").write_text("no file of the commit")
    source = find_source("run.py --pipeline fraud", "monitoring-1: new rows")
    assert (source.commit, source.clean) == (commit, True)
    assert (source.command, source.asked_by) == ("run.py --pipeline fraud", "monitoring-1: new rows")
    assert source.user == getpass.getuser()
    (checkout / "run.py").write_text("# two\n")
    assert (find_source().commit, find_source().clean) == (commit, False)


def test_a_part_of_somebody_elses_repository_has_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = checkout / "inner"
    inner.mkdir()
    for found in (inner, checkout.parent, None):
        monkeypatch.setattr("fusionguard.registry.pipeline_run.find_checkout", lambda found=found: found)
        assert (find_source().commit, find_source().clean) == ("", None)


def test_without_git_nothing_is_known_of_the_code(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert (find_source().commit, find_source().clean) == ("", None)


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 10001")

    monkeypatch.setattr("getpass.getuser", unknown)
    monkeypatch.setattr(sys, "argv", ["/somewhere/train.py", "--token=secret"])
    run = this_process()
    assert run.source.user == f"uid {os.getuid()}"
    assert (run.name, run.source.command) == ("", "train.py")
