"""ZenML's own pages, on loopback only, for as long as the command runs: ``python -m stacks.dashboard``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fusionguard.errors import FusionGuardError, StorageError
from stacks.session import SOURCE_ROOT, open_client

HOST = "127.0.0.1"
DEFAULT_PORT = 8237
START_SECONDS = 120.0
STOP_SECONDS = 10.0
_SURVEYED = "finished_onboarding_survey"


class DashboardError(FusionGuardError):
    """ZenML's server does not start, or does not know what is asked for."""


def main() -> int:
    """Serve until Ctrl-C, and print the address of the last run, or of one that is named; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m stacks.dashboard", description=__doc__)
    parser.add_argument("run", nargs="?", help="a run's name; the last run by default")
    options = parser.parse_args()
    try:
        with dashboard(run=options.run) as address:
            sys.stdout.write(f"{address}\nCtrl-C stops it.\n")
            sys.stdout.flush()
            signal.pause()
    except KeyboardInterrupt:
        return 0
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


@contextmanager
def dashboard(port: int = DEFAULT_PORT, run: str | None = None) -> Iterator[str]:
    """Serve ZenML's pages while the block lasts, and yield the address of a run, the last by default (all where there is none).

    The server reads the store that runs write to. It gets a configuration folder of its own, so that the ``zenml`` command
    of the user is not switched over to it. Another port is taken where ``port`` is in use.

    Raises
    ------
    DashboardError
        There is no run of that name, or the server does not start.
    """
    client = open_client()
    from zenml.config.global_config import GlobalConfiguration
    from zenml.enums import StoreType
    from zenml.utils.dashboard_utils import get_run_url

    configuration = GlobalConfiguration()
    store = configuration.store_configuration
    runs = client.list_pipeline_runs(size=1, sort_by="desc:created", name=run).items
    if run is not None and not runs:
        raise DashboardError(f"ZenML knows no run '{run}'.", "A run's summary and its page in MLflow name it.")
    if store.type == StoreType.REST:
        yield (get_run_url(runs[0]) if runs else None) or store.url
        return
    page = f"projects/{client.active_project.name}/runs" + (f"/{runs[0].id}" if runs else "")
    with (
        tempfile.TemporaryDirectory(prefix="fusionguard-dashboard-") as folder,
        _server(free_port(port), Path(folder), configuration.local_stores_path) as address,
    ):
        yield f"{address}/{page}"


def free_port(wanted: int) -> int:
    """Return ``wanted`` if nothing listens there on loopback, else a port that is free."""
    for candidate in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StorageError("There is no free port on this machine.", "Stop a server that is not needed.")


@contextmanager
def _server(port: int, folder: Path, stores: str) -> Iterator[str]:
    command = [sys.executable, "-m", "uvicorn", "zenml.zen_server.zen_server_api:app", "--host", HOST, "--port", str(port)]
    command += ["--log-level", "warning", "--no-server-header"]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(SOURCE_ROOT.parent), str(SOURCE_ROOT)]),
        "PYTHONWARNINGS": "ignore",
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_CONFIG_PATH": str(folder),
        "ZENML_LOCAL_STORES_PATH": stores,
        "ZENML_DISABLE_DATABASE_MIGRATION": "true",
        "ZENML_SERVER": "true",
        "ZENML_SERVER_ALLOW_LOCAL_FILE_ACCESS": "true",
        "ZENML_SERVER_AUTH_SCHEME": "NO_AUTH",
        "ZENML_SERVER_AUTO_ACTIVATE": "true",
        "ZENML_SERVER_DEPLOYMENT_TYPE": "local",
    }
    process = subprocess.Popen(
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True
    )
    previous = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        address = f"http://{HOST}:{port}"
        _wait_until_ready(process, address)
        _skip_survey(address)
        yield address
    finally:
        signal.signal(signal.SIGTERM, previous)
        _end(process)


def _as_interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _wait_until_ready(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DashboardError(
                f"ZenML's server ended with status {process.returncode} at its start.", "See its messages above."
            )
        try:
            urllib.request.urlopen(f"{address}/ready", timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise DashboardError(f"ZenML's server did not answer within {START_SECONDS:.0f} s.", "See its messages above.")


def _skip_survey(address: str) -> None:
    """Take the store's owner straight to the runs: a new one would be asked for a name and an e-mail address first."""
    user = f"{address}/api/v1/current-user"
    with urllib.request.urlopen(user) as answer:
        metadata = json.load(answer)["metadata"]["user_metadata"]
    if _SURVEYED not in metadata:
        content = {"email_opted_in": False, "user_metadata": {**metadata, _SURVEYED: True}}
        headers = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(user, json.dumps(content).encode(), headers, method="PUT")).close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
