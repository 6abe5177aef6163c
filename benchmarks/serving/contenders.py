"""The services that are compared: RiskScoring as it ships, and two that do less."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import fresh_environment, python
from benchmarks.serving.load import http_request
from benchmarks.serving.material import Material, Row
from benchmarks.serving.scorer import BUNDLE_VARIABLE
from fusionguard.home import Home
from fusionguard.serving.launch import serve_command

SERVICE, FASTAPI, BENTOML = "RiskScoring", "bare FastAPI", "BentoML's defaults"

UNLIMITED_RATE = "1000000"
"""Requests a second: the limit for one key, 5,000 by default, is not what is measured."""

Command = tuple[list[str], dict[str, str]]


@dataclass(frozen=True)
class Contender:
    """A service: how it is started on a port, with its files in a folder, and where it scores a transaction."""

    name: str
    path: str
    command: Callable[[int, Path, Material], Command]
    """Of (port, folder for its files, the material)."""
    parameter: str | None = None
    """The member of the body that holds the transaction; None where the body is the transaction."""

    def requests(self, rows: Iterable[Row]) -> list[bytes]:
        """Return the requests that score each of the rows by itself."""
        return [http_request(self.path, json.dumps({self.parameter: row} if self.parameter else row).encode()) for row in rows]


def _service(port: int, folder: Path, material: Material) -> Command:
    """As ``fusionguard serve`` starts it: one worker, with its log, its metrics and its own settings of everything."""
    given = {"FUSIONGUARD_SERVE_REQUESTS_PER_SECOND": UNLIMITED_RATE}
    environment = _without_threads(fresh_environment(folder)) | given
    home = Home(folder / "home")
    return serve_command(
        home, release=material.release, host="127.0.0.1", port=port, workers=1, keys=None, environment=environment
    )


def _fastapi(port: int, folder: Path, material: Material) -> Command:
    """One worker on uvloop and httptools, without an access log."""
    command = python("-m", "uvicorn", "benchmarks.serving.bare_fastapi:app", "--port", str(port), "--no-access-log")
    return command, _peer_environment(folder, material)


def _bentoml(port: int, folder: Path, material: Material) -> Command:
    """As BentoML comes; but nothing is sent to its makers."""
    command = python("-m", "bentoml", "serve", "benchmarks.serving.naive_bento:NaiveScoring", "--port", str(port))
    environment = _peer_environment(folder, material)
    return command, environment | {"BENTOML_HOME": str(folder / "bentoml"), "BENTOML_DO_NOT_TRACK": "true"}


CONTENDERS = (
    Contender(SERVICE, "/v1/fraud/score", _service),
    Contender(FASTAPI, "/score", _fastapi),
    Contender(BENTOML, "/score", _bentoml, parameter="row"),
)


def _peer_environment(folder: Path, material: Material) -> dict[str, str]:
    return _without_threads(fresh_environment(folder)) | {BUNDLE_VARIABLE: str(material.fraud_bundle)}


def _without_threads(environment: Mapping[str, str]) -> dict[str, str]:
    """Take out what whoever measures has set for OpenMP: each service comes with its own settings, or none."""
    return {name: value for name, value in environment.items() if not name.startswith("OMP_")}
