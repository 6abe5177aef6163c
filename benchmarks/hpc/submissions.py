"""How fast jobs can be handed over, and how often the controller is asked about them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from benchmarks.hpc.jobs import Site, wait_until
from benchmarks.hpc.results import Polling, Submissions
from stacks.slurm.errors import JobError
from stacks.slurm.watch import JobWatch

_SMALL = ("--partition=cpu", "--cpus-per-task=1", "--mem=20M")
_COMMANDS = ("squeue", "scontrol", "sacct", "sinfo")


def measure_submissions(site: Site, jobs: int, folder: Path) -> Submissions:
    """Hand jobs over that wait, one by one, and as one array."""
    begin = time.monotonic()
    watches = [site.submit(["true"], *_SMALL, "--hold") for _ in range(jobs)]
    one_by_one = time.monotonic() - begin
    script = folder / "array.sh"
    script.write_text("#!/bin/sh\ntrue\n", encoding="ascii")
    begin = time.monotonic()
    array = site.client.submit(["--parsable", *_SMALL, "--hold", f"--array=1-{jobs}", "--output=/dev/null"], script)
    in_array = time.monotonic() - begin
    site.cancel(watches)
    site.client.cancel([array])
    return Submissions(jobs=jobs, one_by_one_seconds=one_by_one, array_seconds=in_array)


def measure_polling(site: Site, jobs: int, seconds: float, folder: Path) -> Polling:
    """Watch running jobs for a while and count the commands that ask the controller."""
    watches = [site.submit(["sleep", "600"], *_SMALL) for _ in range(jobs)]
    numbers = [watch.record.job for watch in watches]
    wait_until(lambda: all(state.state == "RUNNING" for state in site.client.states(numbers).values()), "their start")
    threads = [Thread(target=_watch, args=(watch,), daemon=True) for watch in watches]
    with _counted(folder / f"calls-{jobs}") as calls:
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        asked = len(calls.read_text(encoding="ascii").splitlines())
    site.cancel(watches)
    for thread in threads:
        thread.join(60)
    return Polling(jobs=jobs, seconds=seconds, calls=asked)


def _watch(watch: JobWatch) -> None:
    try:
        watch.until_end()
    except JobError:
        return  # cancelled, once enough was seen


@contextmanager
def _counted(folder: Path) -> Iterator[Path]:
    """Put commands first on the PATH that note their call and do the same as ever; yield the file of notes."""
    folder.mkdir()
    calls = folder / "calls"
    calls.touch()
    for name in _COMMANDS:
        real = shutil.which(name)
        if real is not None:
            script = folder / name
            script.write_text(f'#!/bin/sh\necho {name} >> "{calls}"\nexec {real} "$@"\n', encoding="utf-8")
            script.chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}{os.pathsep}{before}"
    try:
        yield calls
    finally:
        os.environ["PATH"] = before
