"""The journal: torn ends are mended, damage is named."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

from fusionguard.errors import StorageError
from fusionguard.models.tuning.journal import _MendingLock, open_journal


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A study with one finished trial."""
    file = tmp_path / "studies" / "demo.log"
    study = optuna.create_study(study_name="demo", storage=open_journal(file), direction="maximize")
    study.add_trial(optuna.trial.create_trial(value=1.0))
    return file


def trials_of(file: Path) -> int:
    return len(optuna.load_study(study_name="demo", storage=open_journal(file)).trials)


def test_a_line_whose_writer_died_over_it_never_counted(journal: Path) -> None:
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole.splitlines()[-1][:20])
    assert trials_of(journal) == 1
    assert journal.read_bytes() == whole


def test_a_worker_at_work_mends_what_another_one_left(journal: Path) -> None:
    study = optuna.load_study(study_name="demo", storage=open_journal(journal))
    with journal.open("ab") as stream:
        stream.write(b'{"op_code":4,"wor')
    study.add_trial(optuna.trial.create_trial(value=2.0))
    assert len(study.trials) == trials_of(journal) == 2


def test_a_journal_that_is_one_torn_line_is_begun_anew(journal: Path) -> None:
    journal.write_bytes(b'{"op_code"')
    open_journal(journal)
    assert journal.read_bytes() == b""


def test_the_lock_of_a_process_that_was_killed_is_broken_at_once(journal: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from fusionguard.models.tuning.journal import _MendingLock
_MendingLock(Path({str(journal)!r})).acquire()
sys.stdout.write("locked\\n"); sys.stdout.flush()
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            _MendingLock(journal)._break_if_dead()
            assert journal.with_suffix(".log.lock").exists()
        finally:
            process.kill()
    assert journal.with_suffix(".log.lock").exists()
    began = time.monotonic()
    assert trials_of(journal) == 1
    assert time.monotonic() - began < 10


def test_locks_whose_owners_died_while_they_let_go_are_swept_away(journal: Path) -> None:
    left = journal.with_name(f"{journal.name}.lock54d0f0e5-34d6-4609-b0d6-a44d83136877.rename")
    other = journal.with_name(f"another-{journal.name}.lock54d0f0e5.rename")
    left.touch()
    other.touch()
    open_journal(journal)
    assert not left.exists()
    assert other.exists()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"\x00\xff\x00", "line 2 is no JSON"),
        (b"[1, 2]", "line 2 is no operation of a study"),
        (b'{"op_code": 99, "worker_id": "x"}', "its lines contradict each other"),
        (b'{"op_code": 4, "worker_id": "x"}', "its lines contradict each other"),
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_damage_is_named_with_a_remedy(journal: Path, line: bytes, why: str, last: bool) -> None:
    first, *others = journal.read_bytes().splitlines()
    journal.write_bytes(b"\n".join([first, line, *([] if last else others)]) + b"\n")
    with pytest.raises(StorageError, match=why) as caught:
        open_journal(journal)
    assert str(journal) in caught.value.what
    assert "delete it" in caught.value.remedy
    assert not journal.with_suffix(".log.lock").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot write"):
        open_journal(tmp_path / "file" / "demo.log")
