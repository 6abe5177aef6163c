"""MLflow's own pages, on loopback only, for as long as the command runs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from fusionguard.errors import RegistryError, UsageError
from fusionguard.home import Home
from fusionguard.registry.model_names import model_names, registered_name
from fusionguard.registry.tracking import ANSWER_SECONDS, check_database, open_store, settle_environment, sqlite_file
from fusionguard.verbose import is_verbose

HOST = "127.0.0.1"
DEFAULT_PORT = 5000
START_SECONDS = 120.0
STOP_SECONDS = 10.0

_MACHINE_LEARNING = "workflowType=machine_learning"
"""MLflow's pages show what belongs to language models unless they are told this."""
_MODELS_PAGE = f"#/models?{_MACHINE_LEARNING}"


def serve_pages(home: Home, announce: Callable[[str], None], port: int | None = None) -> None:
    """Serve MLflow's pages of the home's store until interrupted.

    Parameters
    ----------
    announce
        Called with the address once it answers: that of the runs, beside which the models are. The root of the pages leads to
        traces of language models, of which there are none here.
    port
        The port; by default 5000, or a free one where 5000 is taken.

    Raises
    ------
    UsageError
        The port that was asked for is taken.
    RegistryError
        The store is damaged, or the server does not start.
    """
    uri = home.mlflow_uri
    if uri.startswith(("http://", "https://")):
        announce(f"{uri.rstrip('/')}/{_MODELS_PAGE}")  # its runs are asked for with credentials, which a page has of its own
        return
    chosen = _choose_port(port)
    database = sqlite_file(uri)
    if database is not None and database.exists():
        check_database(database)  # without importing MLflow, which takes seconds
    else:
        open_store(home, create=True)
    with _server(home, chosen) as process:
        address = f"http://{HOST}:{chosen}"
        _wait_until_ready(process, address)
        announce(f"{address}/{_first_page(home, address)}")
        process.wait()
    if process.returncode not in (0, -signal.SIGTERM, -signal.SIGINT):
        raise RegistryError(f"MLflow's server ended with status {process.returncode}.", "See its messages above.")


def _first_page(home: Home, address: str) -> str:
    """Return the page of the runs of the first model that has some, or that of the models where no run has been."""
    for model in model_names(home):
        asked = f"{address}/api/2.0/mlflow/experiments/get-by-name?experiment_name={registered_name(model)}"
        try:
            with urllib.request.urlopen(asked, timeout=ANSWER_SECONDS) as answer:
                experiment = json.load(answer)["experiment"]["experiment_id"]
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise RegistryError(f"MLflow's server answered {error.code} at its start.", "See its messages above.") from error
        else:
            return f"#/experiments/{experiment}/runs?{_MACHINE_LEARNING}"
    return _MODELS_PAGE


def _choose_port(port: int | None) -> int:
    for candidate in (port or DEFAULT_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, candidate))
            except OSError as error:
                if port is not None:
                    raise UsageError(f"Port {port} is taken.", "Choose another with --port, or leave it away.") from error
                continue
            return int(probe.getsockname()[1])
    raise RegistryError("There is no free port on this machine.", "Stop a server that is not needed.")


@contextmanager
def _server(home: Home, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the server as a process group of its own, which is ended with the block: MLflow starts uvicorn as a child."""
    settle_environment()
    home.state.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    # Names under which it may be asked: another site's page cannot reach it through a name that resolves to loopback.
    command += ["--allowed-hosts", f"{HOST}:{port},localhost:{port}"]
    if sqlite_file(home.mlflow_uri) is not None:
        command += ["--artifacts-destination", home.mlflow_artifacts.as_uri()]
    command += ["--uvicorn-opts", f"--log-level {'info' if is_verbose() else 'warning'}"]
    environment = os.environ | {
        # Not on the command line, which every user of the machine can read: a store's address may hold a password.
        "MLFLOW_BACKEND_STORE_URI": home.mlflow_uri,
        "MLFLOW_REGISTRY_STORE_URI": home.mlflow_uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PYTHONWARNINGS": "ignore",
    }
    process = subprocess.Popen(
        command, env=environment, cwd=home.state, start_new_session=True, stdin=subprocess.DEVNULL, stdout=sys.stderr
    )
    previous = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        yield process
    finally:
        signal.signal(signal.SIGTERM, previous)
        _end(process)


def _wait_until_ready(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RegistryError(
                f"MLflow's server ended with status {process.returncode} at its start.", "See its messages above."
            )
        try:
            urllib.request.urlopen(f"{address}/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RegistryError(f"MLflow's server did not answer within {START_SECONDS:.0f} s.", "See its messages above.")


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
