"""``python -m benchmarks.hpc``: start a one-node Slurm cluster, measure, and write the section into docs/hpc_benchmarks.md."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.hpc.document import BEGIN, section
from benchmarks.hpc.results import HpcResults
from benchmarks.machine import describe_machine
from benchmarks.markdown import insert
from benchmarks.measure import CHECKOUT
from fusionguard.files import write_text
from fusionguard.home import Home
from stacks.session import prepare_environment
from tests.slurm.cluster import Cluster, running, why_absent

_DOCUMENT = CHECKOUT / "docs" / "hpc_benchmarks.md"
PAIRS, JOBS, WATCHED_SECONDS = 5, 20, 25.0


def main() -> int:
    """Measure and write; return the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.hpc", description="Measure the stack hpc on a one-node Slurm of its own.")
    parser.add_argument("--output", type=Path, help="print the section into this file instead of docs/hpc_benchmarks.md")
    options = parser.parse_args()
    reason = why_absent()
    if reason:
        sys.stderr.write(f"Nothing was measured: {reason}.\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="fg-bench-hpc-", ignore_cleanup_errors=True) as name:
        results = measure(Path(name))
    text = section(results)
    if options.output is not None:
        write_text(options.output, f"{text}\n")
    else:
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BEGIN))
    return 0


def measure(folder: Path) -> HpcResults:
    """Measure everything on a cluster that ends with it."""
    begin = time.monotonic()
    machine = describe_machine()
    (folder / "slurm").mkdir()
    with running(Cluster(folder / "slurm", cpus=JOBS + 4)) as cluster:
        _enter(folder, cluster)
        from benchmarks.hpc.added import measure_added
        from benchmarks.hpc.jobs import Site
        from benchmarks.hpc.lost_work import measure_lost
        from benchmarks.hpc.submissions import measure_polling, measure_submissions

        passed = {"PATH", "HOME", "USER", "LANG"}
        site = Site(folder / "jobs", {key: value for key, value in os.environ.items() if key in passed})
        _say("seconds a step takes longer as a job")
        added = measure_added(PAIRS, Home(folder / "home"), folder)
        _say("work lost to a preemption")
        lost = measure_lost(site, cluster, folder)
        _say("submissions")
        submissions = measure_submissions(site, JOBS, folder)
        _say("load on the controller")
        polling = tuple(measure_polling(site, jobs, WATCHED_SECONDS, folder) for jobs in (1, JOBS))
    version = subprocess.run(["sinfo", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return HpcResults(
        machine=machine,
        slurm=version.replace("slurm-wlm", "Slurm"),
        added=added,
        lost=lost,
        submissions=submissions,
        polling=polling,
        seconds=time.monotonic() - begin,
    )


def _enter(folder: Path, cluster: Cluster) -> None:
    """Give this process a home, a ZenML store and the cluster; ZenML reads them when it is imported."""
    (folder / "zenml").mkdir()
    os.environ |= {
        **cluster.environment,
        "FUSIONGUARD_HOME": str(folder / "home"),
        "ZENML_CONFIG_PATH": str(folder / "zenml"),
    }
    os.environ.pop("ZENML_ACTIVE_STACK_ID", None)
    prepare_environment()
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):  # else each job would compile anew, as on no cluster
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")


def _say(what: str) -> None:
    sys.stderr.write(f"measuring: {what}\n")


if __name__ == "__main__":
    sys.exit(main())
