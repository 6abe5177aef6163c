"""Clients as others make and use them: real generators in environments of their own, against the services as they run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fusionguard.serving.keys import add_key
from fusionguard.serving.tables import ARROW, PARQUET, write_table
from install import explained, settings
from tests.assistant.http.conftest import RunningAssistant, assistant_service, indexed_home
from tests.serving.conftest import RunningService, release_folder, service, start_ready

__all__ = ["assistant_service", "indexed_home", "release_folder", "service"]

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
UNREACHED = re.compile(r"\bE(AI_AGAIN|NOTFOUND|CONNREFUSED|CONNRESET|TIMEDOUT|NOTCACHED)\b")
"""What npm says where it reaches no registry."""
UV = Path(sys.executable).with_name("uv")
COMMANDS = {
    name: re.findall(rf"^{name} (.*)$", (ROOT / "docs/fraud_serving.md").read_text(), flags=re.MULTILINE)[0]
    for name in ("uvx", "npx")
}
"""What docs/fraud_serving.md says to type, without what fetches the generator."""


@dataclass(frozen=True)
class Service:
    """A service as a client knows it: its description, what its calls are handed besides, and how often it answered."""

    running: RunningService | RunningAssistant
    described_at: str
    arguments: tuple[str, ...]

    @property
    def document(self) -> dict[str, Any]:
        return self.running.client.get("/openapi.json").json()  # type: ignore[no-any-return]

    def answered(self, path: str) -> float:
        return self.running.metric(f'fusionguard_requests_total{{route="{path}",status="200"}}')

    def check_that_every_route_answered(self, told: dict[str, Any]) -> None:
        """Compare what a client called, and what the service counted, with all that is described."""
        operations = {each["operationId"]: path for path, methods in self.document["paths"].items() for each in methods.values()}
        assert {name for name in told if not name.isdigit()} == set(operations)
        assert {path: self.answered(path) > 0 for path in operations.values()} == dict.fromkeys(operations.values(), True)


@pytest.fixture(scope="session")
def risk_scoring(service: RunningService, release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """RiskScoring with keys, and one beside it that describes itself to everybody."""
    folder = tmp_path_factory.mktemp("keyed")
    key = add_key(folder / "keys.json", "tests")
    for name in ("transaction", "customer"):
        shutil.copy(ROOT / "docs" / "serving" / f"{name}.json", folder)
    customer = json.loads((folder / "customer.json").read_text())
    for name, kind in (("parquet", PARQUET), ("arrow", ARROW)):
        rows = [customer | {"id": f"{name}-{age}", "Age": age} for age in (31, 64)]
        (folder / f"customers.{name}").write_bytes(write_table(pa.Table.from_pylist(rows), kind))
    running = start_ready(folder / "service", release_folder, keys=folder / "keys.json")
    running.client.headers["X-API-Key"] = key
    yield Service(running, f"http://127.0.0.1:{service.port}", (f"http://127.0.0.1:{running.port}", key, str(folder)))
    running.stop()


@pytest.fixture(scope="session")
def assistant(assistant_service: RunningAssistant) -> Service:
    """The assistant's service, without keys."""
    return Service(assistant_service, assistant_service.address, (assistant_service.address,))


def run(*command: str | Path, cwd: Path, path: Path = HERE, fetches: bool = False, **more: str) -> str:
    """Run a command that finds nothing of the project, but the programs in ``path`` first, and return what it said."""
    environment = settings(cwd) | {"PATH": f"{path}:{os.environ['PATH']}", "NO_PROXY": "127.0.0.1", "NO_COLOR": "1"}
    environment.pop("PYTHONPATH", None)
    arguments = [str(word) for word in command]
    done = subprocess.run(arguments, cwd=cwd, env=environment | more, capture_output=True, text=True, timeout=280)
    if fetches and done.returncode != 0:
        _leave_out_offline(Path(arguments[0]).name, done.stderr)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def _leave_out_offline(program: str, said: str) -> None:
    """Skip where there is no network and somebody has declared so: nobody reads the skips of a machine that should have one."""
    if UNREACHED.search(said) or "No package index is reached" in explained(said):
        reason = f"what {program} installs from is not reached"
        if os.environ.get("UV_OFFLINE"):
            pytest.skip(reason)
        pytest.fail(f"{reason}; UV_OFFLINE=1 says that this is so on purpose")


def words(command: str, described_at: str) -> Sequence[str]:
    """Return the words of a documented command, for a service at another address."""
    assert "http://127.0.0.1:3000/" in command
    return shlex.split(command.replace("http://127.0.0.1:3000", described_at))
