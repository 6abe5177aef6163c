"""A pipeline whose middle step is a job that can count, save, fail, wait, or eat memory."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from zenml import pipeline, step

from fusionguard.data.provenance import Provenance
from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.report import TableRow
from fusionguard.files import write_json
from fusionguard.home import find_home
from pipelines.summary import Report
from stacks.slurm.warning import warned
from steps.caching import CACHE_POLICY
from tests.slurm.toy_entry import SlurmToyConfig


@step
def begin(config: SlurmToyConfig) -> Annotated[str, "seed"]:
    """Run where ``run.py`` runs."""
    return "seed"


@step
def work(seed: str, config: SlurmToyConfig) -> Annotated[str, "digest"]:
    """Run in a job."""
    print(f"at work in job {os.environ.get('SLURM_JOB_ID')}")  # noqa: T201
    if config.fail == "domain":
        raise DataError("The toy's data is broken.", "Mend it.")
    if config.fail == "bug":
        _break_something()
    if config.fail == f"helper {os.environ.get('ZENML_SLURM_HELPER')}":
        raise ZeroDivisionError("a bug in a helper")
    if config.fail == "disk":
        raise OSError(28, "No space left on device", "/full/file")
    if config.fail == "fill":
        _save_and_fill_the_disk(seed, config)
    if config.fail == "exit":
        os._exit(7)
    if config.marker and not os.environ.get("ZENML_SLURM_HELPER"):
        Path(config.marker).write_text(os.environ.get("SLURM_JOB_ID", "none"))
    hoard = [b"x" * 1_000_000 for _ in range(config.megabytes)]
    for second in range(config.wait_seconds * 10):
        if second % 10 == 0:
            print(f"second {second // 10}", flush=True)  # noqa: T201
        time.sleep(0.1)
    del hoard
    if config.trials:
        share(config)
    return count(seed, config)


@step
def work_too(seed: str, config: SlurmToyConfig) -> Annotated[str, "digest"]:
    """Run in another job, at the same time."""
    print(f"too: at work in job {os.environ.get('SLURM_JOB_ID')}")  # noqa: T201
    if config.fail_too:
        until = time.monotonic() + 120
        while config.marker and not Path(config.marker).exists() and time.monotonic() < until:
            time.sleep(0.1)
        raise DataError("The other toy's data is broken.", "Mend it.")
    return count(f"{seed} too", config)


@step(enable_cache=False)
def look_on(seed: str, config: SlurmToyConfig) -> Annotated[str, "looked"]:
    """Run where ``run.py`` runs, while the jobs of the others wait or are at work."""
    if config.journal:
        with Path(config.journal).open("a") as stream:
            stream.write("looked on\n")
    return seed


@step
def both(first: str, second: str) -> Annotated[str, "digest"]:
    """Run where ``run.py`` runs, when both are there."""
    return hashlib.sha256(f"{first}{second}".encode()).hexdigest()


@step(enable_cache=False)
def end(digest: str) -> Annotated[Provenance, "told"]:
    """Run where ``run.py`` runs."""
    return Provenance(dataset="fraud", origin="simulated", description=digest, sha256="0" * 64, rows=1)


def count(seed: str, config: SlurmToyConfig) -> str:
    """Chain digests, one a round, going on where the last attempt was saved; a journal tells which rounds were done."""
    folder = os.environ.get("FUSIONGUARD_CHECKPOINTS")
    saved = Path(folder) / "state.json" if folder else None
    state: dict[str, Any] = {"round": 0, "digest": seed}
    if saved is not None and saved.exists():
        state = json.loads(saved.read_text())
    while state["round"] < config.rounds:
        time.sleep(config.round_seconds)
        digest = hashlib.sha256(f"{state['digest']}{state['round']}".encode()).hexdigest()
        state = {"round": state["round"] + 1, "digest": digest}
        if config.journal:
            with Path(config.journal).open("a") as stream:
                stream.write(f"{state['round']}\n")
        if saved is not None and warned():
            write_json(saved, state)
            print(f"saved at round {state['round']}", file=sys.stderr, flush=True)  # noqa: T201
            while True:
                time.sleep(1)
    return str(state["digest"])


def share(config: SlurmToyConfig) -> None:
    """Take part in the study that all who run this step share."""
    from optuna.distributions import FloatDistribution

    from fusionguard.models.tuning.study import search

    held = config.hold and not os.environ.get("ZENML_SLURM_HELPER")
    done = 0

    def objective(settings: Mapping[str, Any]) -> Generator[float, None, None]:
        nonlocal done
        time.sleep(config.trial_seconds)
        done += 1
        until = time.monotonic() + 200
        while done > 3 and held and not Path(config.hold).exists() and time.monotonic() < until:
            time.sleep(0.1)
        yield -abs(settings["x"] - 3.0)

    space = {"x": FloatDistribution(0.0, 10.0)}
    search("toy", find_home().studies, "toy", space, {"x": 1.0}, objective, trials=config.trials, seconds=None, seed=0)


def _save_and_fill_the_disk(seed: str, config: SlurmToyConfig) -> None:
    """Save two rounds, leave no space for a third; where something is saved already, do nothing."""
    saved = Path(os.environ["FUSIONGUARD_CHECKPOINTS"]) / "state.json"
    if saved.exists():
        return
    digest = count(seed, config.model_copy(update={"rounds": 2}))
    write_json(saved, {"round": 2, "digest": digest})
    with suppress(OSError), Path(config.marker).open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    write_json(saved, {"round": 2, "digest": digest, "more": "x" * 100_000})


def _break_something() -> None:
    raise ZeroDivisionError("a bug on the node")


@pipeline(name="slurmtoy", cache_policy=CACHE_POLICY)
def slurmtoy(config: SlurmToyConfig) -> None:
    """Compose the toy."""
    seed = begin(config)
    digest = work(seed, config)
    if config.pair:
        too = work_too(seed, config)
        look_on(seed, config)
        digest = both(digest, too)
    end(digest)


PIPELINE = slurmtoy


def report(outputs: Any) -> Report:
    """What the end of a run tells: the digest in the place of a model's version."""
    told = outputs.load("end", "told")
    return Report(
        data=told,
        table=(TableRow("average_precision", "average precision", {"toy": Interval(value=0.5, low=0.4, high=0.6)}, 3),),
        gate={"promoted": True, "reason": "It is a toy."},
        bundle=Path("bundle"),
        model_version=told.description[:12],
        registered_as="toy version 1",
        mlflow_run="none",
        model_card=Path("card.md"),
    )
