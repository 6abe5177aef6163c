"""The service's settings: environment variables ``FUSIONGUARD_SERVE_*``, read once when a worker starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fusionguard.errors import UsageError
from fusionguard.serving.logs import LogFormat

PREFIX = "FUSIONGUARD_SERVE_"

Settings = TypeVar("Settings", bound=BaseModel)


class ServeSettings(BaseModel):
    """What a service is told; each field is the environment variable ``FUSIONGUARD_SERVE_<FIELD>``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    release: Path = Path("release")
    """The folder of models, as ``fusionguard release`` writes it."""
    log: Path | None = None
    """The folder of the prediction log; nothing is logged where it is not set."""
    state: str | None = None
    """Where ``fusionguard state build`` put what is remembered of earlier rows, for models that read that: a folder, or the
    address of a Redis."""
    log_flush_seconds: float = Field(default=2.0, gt=0, le=60)
    """How often scored rows go to the disk: what a killed worker loses at most."""
    log_rows: int = Field(default=50_000, ge=1_000)
    """Scored rows of a family that a worker keeps in memory while the disk refuses, 1.6 kB each; more are lost, and counted."""
    keys: Path | None = None
    """The file of API keys, as ``fusionguard key`` writes it; without it the service answers loopback alone."""
    host: str | None = None
    """The address the service is told to listen on; where it is known and not loopback, a start without keys is refused."""
    workers: int = Field(default=1, ge=1, le=64)
    """Worker processes."""
    requests_per_second: float = Field(default=5_000, gt=0)
    """How many requests a second each key may send, over all workers, where its own entry does not say."""
    concurrent_requests: int = Field(default=64, ge=1)
    """How many requests each key may have open, over all workers, where its own entry does not say."""
    largest_body_bytes: int = Field(default=16 * 2**20, ge=1024)
    """The largest body of a batch; one row may take 64 KiB."""
    largest_batch_rows: int = Field(default=10_000, ge=1, le=100_000)
    body_seconds: float = Field(default=10.0, gt=0)
    """How long a client may take to send its headers, its body, or to read its answer."""
    connections: int = Field(default=1_000, ge=1)
    """Connections a worker keeps open; more are closed at once."""
    log_format: LogFormat = "text"
    """How the service's own log is written: lines of text, or one JSON object a line."""
    waiting_batches: int = Field(default=8, ge=1)
    """Batches that wait while one is scored; more are told to come back."""

    @model_validator(mode="after")
    def _batches_fit_the_log(self) -> ServeSettings:
        if self.log_rows < self.largest_batch_rows:
            raise ValueError(f"the log must hold the largest batch, {self.largest_batch_rows:,} rows, not {self.log_rows:,}")
        return self


def read_settings(environment: Mapping[str, str] = os.environ) -> ServeSettings:
    """Read the settings; raises :class:`UsageError` as :func:`read_environment` does."""
    return read_environment(ServeSettings, PREFIX, environment, whole="log_rows")


def read_environment(kind: type[Settings], prefix: str, environment: Mapping[str, str], *, whole: str = "") -> Settings:
    """Read settings from the variables that begin with ``prefix``; a fault of several is told of the field ``whole``.

    Raises
    ------
    UsageError
        One of these variables is unknown, or its value is not what it must be.
    """
    given = {name.removeprefix(prefix).lower(): value for name, value in environment.items() if name.startswith(prefix)}
    unknown = sorted(set(given) - set(kind.model_fields))
    if unknown:
        known = ", ".join(prefix + name.upper() for name in kind.model_fields)
        raise UsageError(f"Unknown setting {prefix}{unknown[0].upper()}.", f"There are: {known}.")
    try:
        return kind.model_validate({name: value for name, value in given.items() if value != ""})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0] if first["loc"] else whole)
        raise UsageError(f"{prefix}{field.upper()}: {first['msg']}.", "Correct the variable.") from error
