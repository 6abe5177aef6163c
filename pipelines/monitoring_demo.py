"""``python -m pipelines.monitoring_demo``: monitoring from end to end on simulated traffic, as `make monitoring` shows it.

A champion (trained where there is none), a service on a free port of loopback, a stream of transactions that drifts, their
outcomes, and the pipeline that judges all of it.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from fusionguard.datasets.shipped import Wanted, declared_names, other_names, simulator
from fusionguard.datasets.simulated import simulate_declared
from fusionguard.errors import FusionGuardError, RegistryError, UsageError
from fusionguard.families.catalog import family_names, training_configs
from fusionguard.features.online.place import state_place
from fusionguard.features.online.rebuild import read_history
from fusionguard.files import sha256_file
from fusionguard.home import Home, find_home
from fusionguard.monitoring.champion import Champion, find_champion
from fusionguard.monitoring.traffic import Drift, Traffic, drive
from fusionguard.serving.lifeline import open_lifeline
from fusionguard.serving.resolve import make_release

_RUN = Path(__file__).resolve().parents[1] / "run.py"
_START_SECONDS, _STOP_SECONDS = 120.0, 30.0


def main(arguments: list[str] | None = None) -> int:
    """Run the loop; return the exit status of its last part."""
    parser = argparse.ArgumentParser(prog="pipelines.monitoring_demo", description="Show monitoring on simulated traffic.")
    names = {**other_names(), **{name: name for name in (*family_names(), *declared_names())}}
    parser.add_argument("--model", choices=names, default=family_names()[0])
    parser.add_argument("--drift", choices=[kind.value for kind in Drift], default=Drift.COVARIATE_SHIFT.value)
    parser.add_argument("--rows", type=int, default=None, help="how many rows are scored (default: 20000, or 2000 customers)")
    parser.add_argument("rest", nargs="*", help="more words for run.py, after --")
    options = parser.parse_args(arguments)
    options.model = names[options.model]
    try:
        return _show(options)
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status


def _show(options: argparse.Namespace) -> int:
    home = find_home()
    champion = _simulated_champion(home, options.model)
    rows = options.rows or training_configs()[champion.family.name].FEW_ROWS
    began = datetime.now(UTC)
    traffic = Traffic(options.model, rows=rows, drift=Drift(options.drift))
    if champion.family.features.past:
        traffic = replace(traffic, seed=champion.bundle.manifest.seed, after=_remember(home, champion))
    with running_service(options.model) as (address, _):
        _say(f"the champion {champion.bundle.version} answers on {address}")
        report = drive(address, traffic)
    _say(f"{report.rows:,} SIMULATED rows were scored ({options.drift} from 30 % on), {report.labels:,} outcomes told")
    words = ["--set", f"model={options.model}", "--set", f"window.since={began.isoformat()}", *options.rest]
    return subprocess.run([sys.executable, str(_RUN), "--pipeline", "monitoring", *words], check=False).returncode


def _simulated_champion(home: Home, model: str) -> Champion:
    """Return the champion, trained on simulated data where there is none.

    Raises
    ------
    UsageError
        It was trained on other data: its log is no place for simulated rows.
    """
    try:
        champion = find_champion(home, model)
    except RegistryError:
        made_by = simulator(model)
        words = ["--pipeline", model] if made_by is None else ["--dataset", model, "--set", f"data.rows={made_by.usual_rows}"]
        _say(f"there is no champion yet: training one on simulated data (python run.py {' '.join(words)})")
        command = [sys.executable, str(_RUN), *words, "--source", "simulated", "--quiet"]
        if subprocess.run(command, check=False).returncode != 0:
            raise FusionGuardError("The training failed.", "See what it said above.") from None
        champion = find_champion(home, model)
    if champion.bundle.manifest.origin != "simulated":
        raise UsageError(
            f"The {model} champion was trained on your data: simulated rows do not belong into its log.",
            "Name another home for the demonstration: FUSIONGUARD_HOME=/tmp/demo make monitoring",
        )
    return champion


def _remember(home: Home, champion: Champion) -> int:
    """Make what the service remembers of the simulated rows that the champion was trained on; return how many they are.

    Raises
    ------
    UsageError
        It was trained on other rows.
    """
    described = champion.family.described
    if described is None:
        raise FusionGuardError(f"The {champion.family.model} champion does not say what it was trained on.", "Train it anew.")
    folder, declaration = _state_folder(home, champion.family.model), described.declaration
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="fusionguard-demo-") as name:
        scratch, wanted = Path(name), Wanted(described.rows, champion.bundle.manifest.seed)
        history = simulate_declared(declaration.name, wanted, scratch / "rows.parquet")
        if sha256_file(history.path) != champion.bundle.manifest.source_sha256:
            raise UsageError(
                f"The {declaration.name} champion was trained on other rows than the simulator makes.",
                "Nobody knows what comes after those: train one in another home, FUSIONGUARD_HOME=/tmp/demo.",
            )
        rows = read_history(described, history.path, scratch)
        state_place(str(folder), declaration).build(rows, replace=True).close()
    _say(f"the service remembers the {described.rows:,} SIMULATED rows of the training")
    return described.rows


def _state_folder(home: Home, model: str) -> Path:
    return home.state / "serving" / f"state-demo-{model}"


@contextmanager
def running_service(model: str, release: Path | None = None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve the champion on a free port of loopback until the block ends; give its address and its process.

    It is written to ``release``, or to a folder of the demonstration's own: another service may run from the home's.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = find_home()
    release = release or home.state / "serving" / f"release-demo-{model}"
    make_release(home, release, models=[f"{model}@champion"])
    command = [sys.executable, "-c", "from fusionguard.cli import main; main()", "serve", "--port", str(port)]
    lifeline, handed_down = open_lifeline()
    environment = dict(os.environ) | handed_down | {"FUSIONGUARD_SERVE_RELEASE": str(release)}
    if (state := _state_folder(home, model)).is_dir():
        environment["FUSIONGUARD_SERVE_STATE"] = str(state)
    log = home.state / "monitoring-demo.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=environment, pass_fds=[lifeline])
        try:
            _wait(process, port, log)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until somebody listens; a busy machine takes its time."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise FusionGuardError("The service did not start.", f"See what it said in {log}.")


def _say(text: str) -> None:
    sys.stderr.write(f"monitoring: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
