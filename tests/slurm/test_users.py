"""An ordinary user, and a ZenML server that wants to know who asks."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.slurm.cluster import Cluster
from tests.slurm.conftest import CHECKOUT, ToyRuns, wait_until
from tests.slurm.test_runs import expected

pytestmark = [
    pytest.mark.usefixtures("zenml_store"),
    # 2026-11: ZenML 0.98 reads a field of its own filters that it has deprecated.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
    pytest.mark.full,
]
USER = "fgslurmtest"


@pytest.fixture
def ordinary_user() -> Iterator[pwd.struct_passwd]:
    """A user of this machine for the time of a test."""
    if os.geteuid() != 0 or shutil.which("useradd") is None:
        pytest.skip("only root can make a user for the test")
    home = Path(tempfile.mkdtemp(prefix="fg-user-"))
    subprocess.run(["useradd", "--home-dir", str(home), "--shell", "/bin/bash", USER], check=True)
    try:
        user = pwd.getpwnam(USER)
        os.chown(home, user.pw_uid, user.pw_gid)
        yield user
    finally:
        subprocess.run(["userdel", USER], check=False)
        shutil.rmtree(home, ignore_errors=True)


def test_an_ordinary_user_needs_no_root(cluster: Cluster, ordinary_user: pwd.struct_passwd, tmp_path: Path) -> None:
    home = Path(ordinary_user.pw_dir)
    runs = ToyRuns(None, cluster, tmp_path / "stacks")  # type: ignore[arg-type]
    checkout = home / "checkout"
    for name in ("src", "steps", "pipelines", "materializers", "stacks", "tests"):
        shutil.copytree(CHECKOUT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("run.py", "requirements.lock"):
        shutil.copy(CHECKOUT / name, checkout / name)
    python, packages = _readable_python(ordinary_user)
    runs.stack(python=python, setup=[f'export PYTHONPATH="$PYTHONPATH:{packages}"'])
    shutil.copytree(runs.folder, home / "stacks")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "USER": USER,
        "FUSIONGUARD_HOME": str(home / "fg"),
        "ZENML_CONFIG_PATH": str(home / "zenml"),
        "PYTHONPATH": f"{checkout / 'src'}:{checkout}:{packages}",
        "MARK": "x",
        **cluster.environment,
    }
    own = {"user": ordinary_user.pw_uid, "group": ordinary_user.pw_gid, "extra_groups": []}
    subprocess.run(["chown", "-R", f"{USER}:", str(home)], check=True)
    toy = [python, str(checkout / "tests" / "slurm" / "run_toy.py"), str(home / "stacks")]
    command = [*toy, "--pipeline", "slurmtoy", "--stack", "hpc", "--summary", str(home / "s.json")]
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=250, **own)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    assert json.loads((home / "s.json").read_text())["data"]["description"] == expected(3)
    (record,) = (home / "fg" / ".fusionguard" / "slurm" / "runs").glob("*/*/job.json")
    assert record.stat().st_uid == ordinary_user.pw_uid
    owner = cluster.ask("scontrol", "show", "job", str(json.loads(record.read_text())["job"]))
    assert f"UserId={USER}(" in owner


def _readable_python(user: pwd.struct_passwd) -> tuple[str, Path]:
    """Return an interpreter that the user may run, and the folder of this environment's packages."""
    packages = Path(yaml.__file__).resolve().parents[1]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(version, path="/usr/bin:/usr/local/bin")):
        if python is None:
            continue
        probe = [python, "-c", "import pyarrow, zenml"]
        environment = {"PYTHONPATH": str(packages), "HOME": user.pw_dir, "PATH": os.environ["PATH"]}
        try:
            done = subprocess.run(probe, env=environment, cwd=user.pw_dir, capture_output=True, timeout=120, user=user.pw_uid)
        except PermissionError:
            continue
        if done.returncode == 0:
            return python, packages
    pytest.skip("no interpreter of this version, or not its packages, can be read by an ordinary user")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a ZenML server that asks for a password."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "ZENML_CONFIG_PATH": str(tmp_path / "server"),
        "ZENML_SERVER_AUTH_SCHEME": "OAUTH2_PASSWORD_BEARER",
        "ZENML_SERVER_AUTO_ACTIVATE": "1",
        "ZENML_DEFAULT_USER_NAME": "team",
        "ZENML_DEFAULT_USER_PASSWORD": "a password",
        "ZENML_SERVER_DEPLOYMENT_TYPE": "other",
        "ZENML_ANALYTICS_OPT_IN": "false",
    }
    environment.pop("ZENML_ACTIVE_STACK_ID", None)
    command = [sys.executable, "-m", "uvicorn", "zenml.zen_server.zen_server_api:app", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while not _is_up(address):
            assert process.poll() is None, (tmp_path / "server.log").read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.3)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:  # uvicorn waits for connections that are open
            process.kill()
            process.wait()


def _is_up(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_team_server_knows_what_jobs_did_and_its_token_stays_secret(toy: ToyRuns, server: str, tmp_path: Path) -> None:
    toy.stack(partition="down")
    toy.environment = {
        "ZENML_CONFIG_PATH": str(tmp_path / "client"),
        "ZENML_STORE_URL": server,
        "ZENML_STORE_USERNAME": "team",
        "ZENML_STORE_PASSWORD": "a password",
    }
    summary = tmp_path / "summary.json"
    process = toy.start("--summary", str(summary))
    wait_until(lambda: "PENDING" in toy.cluster.jobs().values() or process.poll() is not None, 120)
    assert process.poll() is None, process.communicate()
    secret = toy.job_folder() / "environment"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert "ZENML_STORE_API_TOKEN" in secret.read_text()
    (job,) = [job for job, state in toy.cluster.jobs().items() if state == "PENDING"]
    token = secret.read_text().split("ZENML_STORE_API_TOKEN=")[1].split()[0].strip("'")
    shown = toy.cluster.ask("scontrol", "show", "job", str(job)) + toy.cluster.ask(
        "scontrol", "write", "batch_script", str(job), "-"
    )
    assert token not in shown
    assert "a password" not in shown + secret.read_text()
    toy.cluster.ask("scontrol", "update", "partitionname=down", "state=up")
    try:
        done = toy.finish(process)
    finally:
        toy.cluster.ask("scontrol", "update", "partitionname=down", "state=down")
    assert done.returncode == 0, done.stderr
    assert json.loads(summary.read_text())["data"]["description"] == expected(3)
    assert not secret.exists()
