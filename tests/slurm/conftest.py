"""A Slurm cluster for the tests that need one, and runs of the toy on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from fusionguard.home import Home
from stacks.provision import STACK_FOLDER
from stacks.slurm.states import FINAL
from tests.slurm.cluster import Cluster, running, why_absent

RUN_TOY = Path(__file__).with_name("run_toy.py")
CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass
class ToyRuns:
    """Runs of the toy in a home of their own, on the stack ``hpc`` with what a test changes in it."""

    home: Home
    cluster: Cluster
    folder: Path
    pipeline: str = "slurmtoy"
    environment: dict[str, str] = field(default_factory=dict)
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    def stack(
        self,
        *,
        settings: Mapping[str, Any] | None = None,
        resources: Mapping[str, Any] | None = None,
        steps: Mapping[str, Any] | None = None,
        **extra: Any,
    ) -> None:
        """Write the stack file: the project's own, with the toy's step in the place of the trainers."""
        spec = yaml.safe_load((STACK_FOLDER / "hpc.yaml").read_text())
        configuration = spec["components"]["step_operator"]["configuration"]
        configuration["code"] += ["tests"]
        configuration["pass_environment"] += ["PYTHONPYCACHEPREFIX", "MARK"]
        configuration.update(extra)
        spec["steps"] = steps or {
            "work": {"resources": dict(resources or {"cpu_count": 1, "memory": "600MB"}), "settings": dict(settings or {})}
        }
        self.folder.mkdir(exist_ok=True)
        (self.folder / "hpc.yaml").write_text(yaml.safe_dump(spec))

    def command(self, *arguments: str, **assignments: object) -> list[str]:
        """Return the command of a run."""
        words = [word for key, value in assignments.items() for word in ("--set", f"{key}={json.dumps(value)}")]
        return [sys.executable, str(RUN_TOY), str(self.folder), "--pipeline", self.pipeline, "--stack", "hpc", *words, *arguments]

    def start(self, *arguments: str, **assignments: object) -> subprocess.Popen[str]:
        """Start a run and return at once."""
        environment = os.environ | self.cluster.environment | {"FUSIONGUARD_HOME": str(self.home.root)} | self.environment
        process = subprocess.Popen(
            self.command(*arguments, **assignments),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def stop(self) -> None:
        """End what a failed test left behind: runs and jobs."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()
        self.cluster.ask("scancel", "--signal=KILL", "--full", "--user=root")
        self.cluster.ask("scancel", "--user=root")
        wait_until(lambda: set(self.cluster.jobs().values()) <= FINAL)

    def finish(self, process: subprocess.Popen[str], seconds: float = 280) -> subprocess.CompletedProcess[str]:
        """Wait for a run's end."""
        out, err = process.communicate(timeout=seconds)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def run(self, *arguments: str, **assignments: object) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        return self.finish(self.start(*arguments, **assignments))

    def digest(self, *arguments: str, **assignments: object) -> str:
        """Run to the end, well, and return what the toy computed."""
        summary = self.folder / "summary.json"
        done = self.run("--summary", str(summary), *arguments, **assignments)
        assert done.returncode == 0, done.stderr
        return str(json.loads(summary.read_text())["data"]["description"])

    def job_folder(self) -> Path:
        """Return the folder of the newest job."""
        return max((self.home.state / "slurm" / "runs").glob("*/*/job.json"), key=lambda file: file.stat().st_mtime).parent

    def helpers_running(self) -> int:
        """Return how many helpers are at work."""
        lines = self.cluster.ask("squeue", "--noheader", "--array", "--states=running", "--format=%i").split()
        return sum("_" in line for line in lines)

    def helpers_at_work(self) -> set[str]:
        """Return the numbers of the helpers that have begun the toy's step."""
        logs = (self.home.state / "slurm" / "runs").glob("*/*/helpers/*/log")
        return {file.parent.name for file in logs if "at work in job" in file.read_text()}

    def last_run(self) -> Any:
        """Return the newest ZenML run of this home."""
        from stacks.provision import provision
        from stacks.session import open_client

        stack = provision("hpc", self.home, self.folder)
        return open_client().list_pipeline_runs(stack_id=stack.id, size=1, sort_by="desc:created", hydrate=True).items[0]

    def run_named(self, name: str) -> Any:
        """Return a ZenML run."""
        from stacks.session import open_client

        return open_client().get_pipeline_run(name, allow_name_prefix_match=False)

    def metadata(self) -> dict[str, Any]:
        """Return what the newest run's job left on its step."""
        return dict(self.last_run().steps["work"].run_metadata)


def wait_for(file: Path, process: subprocess.Popen[str], seconds: float = 150) -> str:
    """Return the file's text once there is some, or fail where the process ends first."""
    deadline = time.monotonic() + seconds
    while not (file.exists() and file.read_text()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return file.read_text()


def wait_until(condition: Any, seconds: float = 60) -> None:
    """Wait for a condition, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)


def _cluster(**options: Any) -> Iterator[Cluster]:
    reason = why_absent(accounting=bool(options.get("accounting")))
    if reason:
        pytest.skip(reason)
    with (
        tempfile.TemporaryDirectory(prefix="fg-slurm-", ignore_cleanup_errors=True) as folder,
        running(Cluster(Path(folder), **options)) as cluster,
    ):
        yield cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster without accounting; jobs of earlier tests are over, and still listed."""
    yield from _cluster()


@pytest.fixture(scope="module")
def accounting_cluster() -> Iterator[Cluster]:
    """A cluster with accounting."""
    yield from _cluster(accounting=True)


@pytest.fixture(scope="module")
def unwarned_cluster() -> Iterator[Cluster]:
    """A cluster whose preemption does not send the signal jobs asked for."""
    yield from _cluster(warns=False, grace_seconds=0, kill_wait_seconds=15)


def _toy(home: Home, cluster: Cluster, folder: Path) -> Iterator[ToyRuns]:
    runs = ToyRuns(home, cluster, folder / "stacks")
    runs.stack()
    yield runs
    runs.stop()


@pytest.fixture
def toy(home: Home, cluster: Cluster, tmp_path: Path, zenml_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToyRuns]:
    """The toy on a cluster without accounting."""
    monkeypatch.setenv("SLURM_CONF", cluster.environment["SLURM_CONF"])
    yield from _toy(home, cluster, tmp_path)


@pytest.fixture
def accounted_toy(
    home: Home, accounting_cluster: Cluster, tmp_path: Path, zenml_store: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ToyRuns]:
    """The toy on a cluster with accounting."""
    monkeypatch.setenv("SLURM_CONF", accounting_cluster.environment["SLURM_CONF"])
    yield from _toy(home, accounting_cluster, tmp_path)


@pytest.fixture
def unwarned_toy(
    home: Home, unwarned_cluster: Cluster, tmp_path: Path, zenml_store: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ToyRuns]:
    """The toy on a cluster that does not warn."""
    monkeypatch.setenv("SLURM_CONF", unwarned_cluster.environment["SLURM_CONF"])
    yield from _toy(home, unwarned_cluster, tmp_path)
