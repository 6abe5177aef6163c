"""Files and folders are whole or absent, whoever else writes, whatever goes wrong."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path

import pytest

from fusionguard.errors import StorageError
from fusionguard.files import atomic_folder, atomic_path, json_text, sha256_file, storage_errors, write_text


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "old")
    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "file") as temporary:
        temporary.write_text("half")
        _ = 1 / 0
    assert (tmp_path / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failed_folder_leaves_what_was_there(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "folder") as folder:
        (folder / "a").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "folder") as folder:
        (folder / "a").write_text("half")
        _ = 1 / 0
    assert (tmp_path / "folder" / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_an_interruption_in_the_middle_of_the_swap_puts_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with atomic_folder(tmp_path / "folder") as folder:
        (folder / "a").write_text("old")
    replace, calls = os.replace, iter([False, True, False])

    def interrupted(source: Path, target: Path) -> None:
        if next(calls):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), atomic_folder(tmp_path / "folder") as folder:
        (folder / "a").write_text("new")
    assert (tmp_path / "folder" / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_writers_of_one_folder_wait_for_each_other(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for _ in range(20):
                with atomic_folder(tmp_path / "folder") as folder:
                    (folder / "a").write_text(str(number))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (tmp_path / "folder" / "a").read_text() in {"0", "1", "2", "3"}
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_file_system_without_locks_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with atomic_folder(tmp_path / "folder") as folder:
        (folder / "a").write_text("x")
    assert (tmp_path / "folder" / "a").read_text() == "x"


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_the_users_umask_is_kept(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        write_text(tmp_path / "file", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_a_file_where_a_folder_should_be_is_said(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "x")
    with pytest.raises(StorageError, match="choose another folder"):
        write_text(tmp_path / "file" / "below", "x")


def test_json_is_the_same_for_the_same_content() -> None:
    assert json_text({"b": 1, "a": "é"}) == '{\n  "a": "é",\n  "b": 1\n}\n'
    with pytest.raises(ValueError, match="Out of range float"):
        json_text({"a": float("nan")})


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert sha256_file(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_folder_that_cannot_be_made_is_a_refusal_and_a_file_that_is_absent_is_not() -> None:
    with (
        pytest.raises(StorageError, match="Cannot write /proc/x/y/z: its folder takes no new files"),
        storage_errors(Path("/proc/x/y/z")),
    ):
        Path("/proc/x/y").mkdir(parents=True)
    with pytest.raises(FileNotFoundError), storage_errors(Path("/proc/x/y/z")):
        Path("/proc/x/y/z").read_bytes()
