"""A training that is killed and started again, however often, gives the bytes of one that was left alone."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fusionguard.checkpoint import FOLDER_VARIABLE, SECONDS_VARIABLE, unpack
from fusionguard.families.fraud.config import AutoencoderConfig, XGBoostConfig

from .conftest import Trained

LONG_BOOSTER = XGBoostConfig(rounds=160, num_parallel_tree=2, learning_rate=0.1)
LONG_AUTOENCODER = AutoencoderConfig(latent_sizes=(4, 2), epochs=50, patience_epochs=50)

# Imports once; then each line it reads is an order: to fork a child that trains, or to say how one ended.
_SERVER = """
import hashlib, json, logging, os, signal, sys
from pathlib import Path
from fusionguard.threads import wait_politely
wait_politely()
import torch, xgboost
from fusionguard.checkpoint import listen_for_warnings
from fusionguard.families.fraud.config import AutoencoderConfig, XGBoostConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.autoencoder import train_autoencoder
from fusionguard.families.fraud.boosting import train_booster


def count_steps(owner, name, file):
    inner = getattr(owner, name)

    def outer(*arguments, **named):
        global steps
        steps += 1
        file.write_text(str(steps))
        return inner(*arguments, **named)

    setattr(owner, name, outer)


def listen(folder, wait_seconds):
    listen_for_warnings(wait_seconds)
    receive = signal.getsignal(signal.SIGUSR1)

    def note(number, frame):
        (folder / "warned").write_text(str(steps))
        receive(number, frame)

    signal.signal(signal.SIGUSR1, note)


def train(order):
    folder = Path(order["folder"])
    logging.basicConfig(filename=folder / "log", level=logging.INFO)
    os.environ.update(order["environment"])
    count_steps(torch, "randperm", folder / "steps")
    count_steps(xgboost.Booster, "update", folder / "steps")
    if order["wait_seconds"]:
        listen(folder, order["wait_seconds"])
    features, plan = Table(Path(order["features"])), SplitPlan.model_validate(order["plan"])
    if order["trainer"] == "booster":
        config = XGBoostConfig.model_validate(order["config"])
        result = train_booster(features, plan, config, negative_weight=2.0, seed=5).save_raw("ubj")
    else:
        config = AutoencoderConfig.model_validate(order["config"])
        result = train_autoencoder(features, plan, config, negative_weight=2.0, seed=5).SerializeToString(deterministic=True)
    (folder / "sha256").write_text(hashlib.sha256(result).hexdigest())


for line in sys.stdin:
    order, steps = json.loads(line), 0
    if isinstance(order, int):
        child, status = os.waitpid(order, os.WNOHANG)
        print(os.waitstatus_to_exitcode(status) if child else "running", flush=True)
        continue
    child = os.fork()
    if child == 0:
        try:
            train(order)
        except BaseException:
            logging.exception("failed")
            os._exit(1)
        os._exit(0)
    print(child, flush=True)
"""


@dataclass(frozen=True)
class Job:
    """One kind of training in a folder of its own, run by the server as often as it is started."""

    server: subprocess.Popen[str]
    folder: Path
    order: dict[str, Any]

    def start(self, *, checkpoints: bool = True, every_seconds: float = 0, wait_seconds: float = 0) -> int:
        """Start a training; return its process id, which stays its own until :meth:`end` has been asked."""
        for name in ("steps", "warned", "sha256"):
            (self.folder / name).unlink(missing_ok=True)
        named = {FOLDER_VARIABLE: str(self.checkpoints), SECONDS_VARIABLE: str(every_seconds)} if checkpoints else {}
        return int(self._ask({**self.order, "environment": named, "wait_seconds": wait_seconds}))

    def status(self, pid: int) -> str:
        """Return its exit code, negative for a signal, or "running"."""
        return self._ask(pid)

    def end(self, pid: int) -> int:
        """Wait for its end and return its exit code."""
        while (status := self.status(pid)) == "running":
            time.sleep(0.005)
        return int(status)

    def finish(self, **how: Any) -> str:
        """Train to the end; return the SHA-256 of the result."""
        assert self.end(self.start(**how)) == 0, self.log
        return self.read("sha256")

    def read(self, name: str) -> str:
        """Return a small file of the training; empty while there is none."""
        try:
            return (self.folder / name).read_text()
        except FileNotFoundError:
            return ""

    def wait_for_steps(self, steps: int) -> None:
        """Wait until the training at work has begun so many rounds or epochs."""
        _until(lambda: int(self.read("steps") or 0) >= steps)

    @property
    def log(self) -> str:
        """All that the trainings logged."""
        return self.read("log")

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints are kept."""
        return self.folder / "checkpoints"

    def files(self) -> list[Path]:
        """The checkpoints, without what a killed save left."""
        return list(self.checkpoints.glob("[!.]*"))

    def _ask(self, order: object) -> str:
        assert self.server.stdin is not None and self.server.stdout is not None
        self.server.stdin.write(json.dumps(order) + "\n")
        self.server.stdin.flush()
        return self.server.stdout.readline().strip()


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen[str]]:
    """A process that has imported the trainers and forks one child a training."""
    environment = {name: value for name, value in os.environ.items() if name not in (FOLDER_VARIABLE, SECONDS_VARIABLE)}
    command = [sys.executable, "-c", _SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        yield process


@pytest.fixture(params=["booster", "autoencoder"])
def job(request: pytest.FixtureRequest, server: subprocess.Popen[str], trained: Trained, tmp_path: Path) -> Job:
    """Each of the two trainers, on the small table, long enough to be interrupted often."""
    config = LONG_BOOSTER if request.param == "booster" else LONG_AUTOENCODER
    order = {
        "trainer": request.param,
        "config": config.model_dump(mode="json"),
        "folder": str(tmp_path),
        "features": str(trained.features.path),
        "plan": trained.plan.model_dump(mode="json"),
    }
    return Job(server, tmp_path, order)


@pytest.fixture(scope="module")
def left_alone() -> dict[str, str]:
    """The SHA-256 of a training without checkpoints, by trainer, as tests have found them."""
    return {}


@pytest.fixture
def expected(job: Job, left_alone: dict[str, str]) -> str:
    """The SHA-256 of the same training without checkpoints and interruptions."""
    trainer = job.order["trainer"]
    if trainer not in left_alone:
        left_alone[trainer] = job.finish(checkpoints=False)
        assert not job.checkpoints.exists()
    return left_alone[trainer]


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.0005)


def _steps_saved(file: Path) -> int:
    """Return how many rounds or epochs a checkpoint holds."""
    facts, arrays = unpack(file.read_bytes().partition(b"\n")[2])
    if "history" in arrays:
        return len(arrays["history"])
    return int(facts["place"] * LONG_AUTOENCODER.epochs + arrays["fit/epochs"][0])


@pytest.mark.full
def test_kills_at_random_moments_do_not_change_a_bit(job: Job, expected: str) -> None:
    rng = random.Random(3)
    for steps in (0, *(rng.randint(2, 9) for _ in range(6))):
        pid = job.start()
        job.wait_for_steps(steps)
        time.sleep(rng.uniform(0, 0.01))
        os.kill(pid, signal.SIGKILL)
        assert job.end(pid) == -signal.SIGKILL, job.log
    assert job.finish() == expected
    assert job.log.count("resumed after") >= 5
    assert len(job.files()) == 1


@pytest.mark.full
def test_a_warning_saves_within_one_step_and_the_process_stays(job: Job, expected: str) -> None:
    pid = job.start(every_seconds=3600, wait_seconds=60)
    job.wait_for_steps(17)
    assert not job.checkpoints.exists()
    os.kill(pid, signal.SIGUSR1)
    _until(lambda: bool(job.checkpoints.exists() and job.files()))
    time.sleep(0.5)
    assert job.status(pid) == "running"
    at_warning, saved, trained = int(job.read("warned")), _steps_saved(job.files()[0]), int(job.read("steps"))
    assert saved == trained, "no step was begun after the save"
    assert saved - at_warning in (0, 1), "the step at work, or the one that was about to begin, was the last"
    os.kill(pid, signal.SIGKILL)
    assert job.end(pid) == -signal.SIGKILL
    assert job.finish(every_seconds=3600) == expected
    assert job.log.count("resumed after") == 1


@pytest.mark.full
def test_a_warning_that_nothing_follows_only_costs_the_wait(job: Job, expected: str) -> None:
    pid = job.start(every_seconds=3600, wait_seconds=0.2)
    job.wait_for_steps(9)
    os.kill(pid, signal.SIGUSR1)
    assert job.end(pid) == 0, job.log
    assert job.read("sha256") == expected
    assert "it goes on" in job.log


@pytest.mark.full
def test_a_finished_training_that_is_started_again_trains_nothing(job: Job, expected: str) -> None:
    assert job.finish(every_seconds=3600) == expected
    assert job.finish(every_seconds=3600) == expected
    assert job.read("steps") == ""


@pytest.mark.full
def test_a_damaged_checkpoint_is_ignored(job: Job, expected: str) -> None:
    job.finish(every_seconds=3600)
    (file,) = job.files()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert job.finish(every_seconds=3600) == expected
    assert "is ignored: its content does not have the SHA-256" in job.log
    assert "resumed after" not in job.log
