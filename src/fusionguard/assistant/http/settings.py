"""How the assistant is served: environment variables ``FUSIONGUARD_CONSOLE_*``, read once when a worker starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from fusionguard.assistant.settings import AssistantSettings
from fusionguard.serving.logs import LogFormat
from fusionguard.serving.settings import read_environment

PREFIX = "FUSIONGUARD_CONSOLE_"


class ConsoleSettings(BaseModel):
    """What the service is told; each field is the environment variable ``FUSIONGUARD_CONSOLE_<FIELD>``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    body_seconds: float = Field(default=10.0, gt=0)
    """How long a client may take to send its headers, its body, or to read a piece of its answer."""
    connections: int = Field(default=500, ge=1)
    """Connections that are kept open; more are closed at once."""
    log_format: LogFormat = "text"
    """How the service's own log is written: lines of text, or one JSON object a line."""
    answers_at_once: int = Field(default=4, ge=1, le=64)
    """Questions that are answered at a time."""
    answers_waiting: int = Field(default=100, ge=1)
    """Questions that wait for their turn; more are told to come back."""
    answer_seconds: float = Field(default=60.0, gt=0, le=3600)
    """How long a question may take with its wait; then its answer is given up."""


@dataclass(frozen=True)
class Limits:
    """What the guard goes by: there is one worker, for a chat stays with the process that began it."""

    keys: Path | None
    requests_per_second: float
    concurrent_requests: int
    workers: int = 1


def limits(settings: AssistantSettings) -> Limits:
    """Return what the guard must know."""
    return Limits(settings.keys, settings.requests_per_second, settings.concurrent_requests)


def read_console_settings(environment: Mapping[str, str] = os.environ) -> ConsoleSettings:
    """Read the settings; raises :class:`UsageError` for a variable that is unknown, or not what it must be."""
    return read_environment(ConsoleSettings, PREFIX, environment)
