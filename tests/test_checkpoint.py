"""A checkpoint is whole or ignored, never another training's, and a warning is answered by saving and waiting."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fusionguard import checkpoint
from fusionguard.checkpoint import (
    FOLDER_VARIABLE,
    SECONDS_VARIABLE,
    Checkpoints,
    identify,
    listen_for_warnings,
    open_checkpoints,
    pack,
    unpack,
    wait_for_the_end,
    warned,
)
from fusionguard.errors import UsageError

IDENTITY, OTHER = identify({"seed": 1}), identify({"seed": 2})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of checkpoints, which does not exist yet."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "checkpoints"))
    monkeypatch.delenv(SECONDS_VARIABLE, raising=False)
    return tmp_path / "checkpoints"


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that takes SIGUSR1 as a warning and waits for half a second."""
    monkeypatch.setattr(checkpoint, "_warnings", checkpoint._Warnings())
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # that a signal nobody takes ends the test and not pytest
    listen_for_warnings(wait_seconds=0.5)
    yield
    signal.signal(signal.SIGUSR1, before)


def _only_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def test_what_was_saved_last_is_loaded(folder: Path) -> None:
    checkpoints = open_checkpoints("booster", IDENTITY)
    assert checkpoints.load() is None
    checkpoints.save(b"first\nwith lines")
    checkpoints.save(b"second\n\x00")
    assert open_checkpoints("booster", IDENTITY).load() == b"second\n\x00"
    assert _only_file(folder).name == f"booster-{IDENTITY[:16]}.checkpoint"


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_folder_nothing_is_written_and_no_identity_computed(
    value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listening: None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(FOLDER_VARIABLE, value)
    checkpoints = open_checkpoints("booster", lambda: pytest.fail("the identity was computed"), every_seconds=0)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert warned() and not checkpoints.due()
    checkpoints.pass_point(lambda: pytest.fail("the state was made"))
    checkpoints.save(b"content")
    assert checkpoints.load() is None
    assert list(tmp_path.iterdir()) == []
    assert (checkpoints.file, checkpoints.identity, checkpoints.every_seconds) == (None, "", 60.0)


def test_another_training_is_not_loaded(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    open_checkpoints("booster", IDENTITY).save(b"content")
    assert open_checkpoints("booster", OTHER).load() is None
    assert open_checkpoints("autoencoder", IDENTITY).load() is None
    assert not caplog.records
    _only_file(folder).rename(folder / f"booster-{OTHER[:16]}.checkpoint")
    assert open_checkpoints("booster", OTHER).load() is None
    assert caplog.messages == [f"checkpoint booster-{OTHER[:16]}.checkpoint is ignored: it is of another training"]


def test_a_torn_file_is_ignored_wherever_it_ends(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoints = open_checkpoints("booster", IDENTITY)
    checkpoints.save(b"content of some length")
    whole = _only_file(folder).read_bytes()
    for length in range(len(whole)):
        _only_file(folder).write_bytes(whole[:length])
        caplog.clear()
        assert checkpoints.load() is None
        assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_an_altered_content_is_ignored(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoints = open_checkpoints("booster", IDENTITY)
    checkpoints.save(b"content")
    whole = _only_file(folder).read_bytes()
    for place in range(len(whole)):
        _only_file(folder).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert checkpoints.load() is None, f"byte {place} was changed"
    for stray in (b"", b"\n", b"null\n", b"[]\n", b'{"format": 1}\n', b"\xff\xfe\n", b"\x00" * 99):
        _only_file(folder).write_bytes(stray)
        assert checkpoints.load() is None
    assert "is ignored" in caplog.text


@pytest.mark.full
def test_a_kill_at_any_moment_leaves_the_last_checkpoint_or_the_new_one(folder: Path) -> None:
    """The child says when a save is done; what is found must be that one or the one that was being written."""
    script = (
        "import sys, itertools\n"
        "from fusionguard.checkpoint import open_checkpoints\n"
        "checkpoints = open_checkpoints('booster', sys.argv[1])\n"
        "found = checkpoints.load()\n"
        "print('found', 0 if found is None else int(found[:9]), flush=True)\n"
        "for number in itertools.count(1 if found is None else int(found[:9]) + 1):\n"
        "    checkpoints.save(b'%09d' % number + bytes([number % 256]) * 400_000)\n"
        "    print('saved', number, flush=True)\n"
    )
    rng = random.Random(4)
    saved = 0
    for _ in range(6):
        command = [sys.executable, "-c", script, IDENTITY]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            word, found = child.stdout.readline().split()
            assert word == "found" and int(found) == saved
            reported = int(child.stdout.readline().split()[1])
            time.sleep(rng.uniform(0.0, 0.05))
            child.kill()
            reported = max([reported, *(int(line.split()[1]) for line in child.stdout)])
        content = open_checkpoints("booster", IDENTITY).load()
        assert content is not None
        saved = int(content[:9])
        assert saved - reported in (0, 1)
        assert content[9:] == bytes([saved % 256]) * 400_000
    assert saved > 6


def test_saves_are_due_after_a_bounded_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now)
    checkpoints = open_checkpoints("booster", IDENTITY)
    now += 59
    assert not checkpoints.due()
    now += 1
    assert checkpoints.due()
    checkpoints.pass_point(lambda: b"content")
    assert checkpoints.load() == b"content"
    assert not checkpoints.due()


def test_the_bound_is_a_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECONDS_VARIABLE, "2.5")
    assert open_checkpoints("booster", IDENTITY).every_seconds == 2.5
    assert open_checkpoints("booster", IDENTITY, every_seconds=7).every_seconds == 7
    monkeypatch.setenv(SECONDS_VARIABLE, "0")
    assert open_checkpoints("booster", IDENTITY).every_seconds == 0
    for wrong in ("-1", "soon", "nan", "inf"):
        monkeypatch.setenv(SECONDS_VARIABLE, wrong)
        with pytest.raises(UsageError, match="not a number of seconds"):
            open_checkpoints("booster", IDENTITY)


def test_a_disk_that_refuses_does_not_end_the_training(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.write_text("a file where the folder should be")
    checkpoints = open_checkpoints("booster", IDENTITY)
    checkpoints.save(b"content")
    (message,) = caplog.messages
    assert message.startswith(f"no checkpoint: Cannot write {checkpoints.file}")
    assert "choose another folder" in message
    assert checkpoints.load() is None


def test_a_warning_is_answered_by_saving_and_waiting(folder: Path, listening: None) -> None:
    checkpoints = open_checkpoints("booster", IDENTITY)
    checkpoints.pass_point(lambda: pytest.fail("nothing was due"))
    os.kill(os.getpid(), signal.SIGUSR1)
    started = time.monotonic()
    checkpoints.pass_point(lambda: b"content")
    assert 0.4 < time.monotonic() - started < 5
    assert checkpoints.load() == b"content"
    assert not warned() and not checkpoints.due()


def test_a_warning_during_the_wait_prolongs_it(listening: None) -> None:
    os.kill(os.getpid(), signal.SIGUSR1)
    started = time.monotonic()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    wait_for_the_end()
    timer.join()
    assert time.monotonic() - started > 0.75
    assert not warned()


def test_the_wait_sleeps_a_second_at_a_time_and_says_when_nobody_came(
    monkeypatch: pytest.MonkeyPatch, listening: None, caplog: pytest.LogCaptureFixture
) -> None:
    now, slept = 1_000.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    monkeypatch.setattr(checkpoint, "time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))
    listen_for_warnings(wait_seconds=2.5)
    os.kill(os.getpid(), signal.SIGUSR1)
    with caplog.at_level(logging.INFO, "fusionguard.checkpoint"):
        wait_for_the_end()
    assert slept == [1.0, 1.0, 0.5]
    assert caplog.messages == ["preemption is near: waiting to be stopped", "nobody stopped this process: it goes on"]


def test_a_warning_older_than_the_wait_still_saves(folder: Path, listening: None) -> None:
    """A step of training may take longer than the wait."""
    checkpoints = open_checkpoints("booster", IDENTITY)
    os.kill(os.getpid(), signal.SIGUSR1)
    time.sleep(0.6)
    assert checkpoints.due()
    started = time.monotonic()
    checkpoints.pass_point(lambda: b"content")
    assert time.monotonic() - started < 0.4
    assert checkpoints.load() == b"content"


def test_facts_and_arrays_come_back_to_the_bit() -> None:
    arrays = {
        "weights/0": np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32),
        "loss": np.array(float("inf")),
        "step": np.array(3.0, dtype=np.float32),
        "bytes": np.frombuffer(b"\x00\xff", dtype=np.uint8),
        "empty": np.empty((0, 2)),
    }
    content = pack({"epoch": 3, "names": ["a"]}, arrays)
    facts, again = unpack(content)
    assert facts == {"epoch": 3, "names": ["a"]}
    assert again.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (again[name].dtype, again[name].shape) == (array.dtype, array.shape)
        assert again[name].tobytes() == array.tobytes()
    assert pack({"names": ["a"], "epoch": 3}, arrays) == content


def test_nothing_is_pickled() -> None:
    with pytest.raises(ValueError):
        pack({}, {"objects": np.array([object()])})
    with pytest.raises(ValueError):
        pack({"loss": float("nan")}, {})
    stream = io.BytesIO()
    np.savez(stream, facts=np.frombuffer(b"{}", dtype=np.uint8), objects=np.array([object()]))
    with pytest.raises(ValueError):
        unpack(stream.getvalue())


def test_the_identity_is_of_every_value_type_and_shape() -> None:
    array = np.arange(6, dtype=np.float32)
    given = {
        identify({"seed": 1}, [array]),
        identify({"seed": 2}, [array]),
        identify({"seed": 1}, [array.astype(np.int32)]),
        identify({"seed": 1}, [array.reshape(2, 3)]),
        identify({"seed": 1}, [array[:3], array[3:]]),
        identify({"seed": 1}, [array[::-1]]),
        identify({"seed": 1}),
    }
    assert len(given) == 7
    written = b'{\n  "seed": 1\n}\n' + b"<f4 (2, 3)\n" + array.tobytes()
    assert identify({"seed": 1}, [array.reshape(2, 3)]) == hashlib.sha256(written).hexdigest()
    assert identify({"seed": 1}, [np.asfortranarray(array.reshape(2, 3))]) in given
    assert identify({"a": 1, "b": 2}) == identify({"b": 2, "a": 1})
    assert len(IDENTITY) == len(hashlib.sha256().hexdigest())


def test_opening_takes_a_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(FOLDER_VARIABLE, "~/checkpoints")
    checkpoints: Checkpoints = open_checkpoints("booster", lambda: IDENTITY)
    assert checkpoints.file == tmp_path / "checkpoints" / f"booster-{IDENTITY[:16]}.checkpoint"
