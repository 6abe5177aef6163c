"""The assistant's settings: environment variables ``FUSIONGUARD_ASSISTANT_*``, read once at the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fusionguard.errors import UsageError

PREFIX = "FUSIONGUARD_ASSISTANT_"


class AssistantSettings(BaseModel):
    """What the assistant is told; each field is the environment variable ``FUSIONGUARD_ASSISTANT_<FIELD>``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    index: Path | None = None
    """The index, as ``make index`` writes it; by default the home's own."""
    model: Path | None = None
    """A language model as a GGUF file; without it answers are sentences of the passages, as they stand there."""
    gpu_layers: int = Field(default=0, ge=-1)
    """Layers of the language model that a GPU holds; -1 for all."""
    threads: int = Field(default=1, ge=1, le=256)
    """Threads of the language model; more than there are free cores make it slower."""
    context_tokens: int = Field(default=2048, ge=512, le=131_072)
    """What the language model reads and writes for one answer, at most."""
    answer_tokens: int = Field(default=192, ge=16, le=4096)
    """What it may write of that."""
    answer_seconds: float = Field(default=20.0, gt=0, le=600)
    """How long an answer may wait for the language model and its words; then it is given without."""
    load_seconds: float = Field(default=120.0, gt=0, le=3600)
    """How long the language model may take to be read from the disk."""
    most_question_chars: int = Field(default=2000, ge=10, le=20_000)
    """The longest question."""
    passages: int = Field(default=5, ge=1, le=20)
    """Passages that an answer is made of, at most."""
    conversation_turns: int = Field(default=6, ge=0, le=50)
    """Earlier questions of a conversation that are remembered."""
    conversations: int = Field(default=1_000, ge=1, le=1_000_000)
    """Conversations that are remembered; the one that has been silent longest is forgotten first."""
    names: Path | None = None
    """A file of customers' names, one a line: they are taken out of questions and answers, and refused at indexing."""
    audit: Path | None = None
    """The audit log; by default the home's own."""
    keys: Path | None = None
    """The file of API keys, as ``fusionguard key`` writes it; without it the service answers loopback alone."""
    host: str | None = None
    """The address the service is told to listen on; where it is known and not loopback, a start without keys is refused."""
    requests_per_second: float = Field(default=5.0, gt=0)
    """How many requests a second each key may send."""
    concurrent_requests: int = Field(default=64, ge=1)
    """How many requests each key may have open."""

    @model_validator(mode="after")
    def _answer_fits_the_context(self) -> AssistantSettings:
        if self.answer_tokens > self.context_tokens // 2:
            raise ValueError(f"an answer may take half of the {self.context_tokens} tokens, not {self.answer_tokens}")
        return self


def read_settings(environment: Mapping[str, str] = os.environ) -> AssistantSettings:
    """Read the settings.

    Raises
    ------
    UsageError
        A variable that begins with ``FUSIONGUARD_ASSISTANT_`` is unknown, or its value is not what it must be.
    """
    given = {name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX)}
    unknown = sorted(set(given) - set(AssistantSettings.model_fields))
    if unknown:
        known = ", ".join(PREFIX + name.upper() for name in AssistantSettings.model_fields)
        raise UsageError(f"Unknown setting {PREFIX}{unknown[0].upper()}.", f"There are: {known}.")
    try:
        return AssistantSettings.model_validate({name: value for name, value in given.items() if value != ""})
    except ValidationError as error:
        first = error.errors()[0]
        field = first["loc"][0] if first["loc"] else "answer_tokens"
        raise UsageError(f"{PREFIX}{str(field).upper()}: {first['msg']}.", "Correct the variable.") from error


def language_model(settings: AssistantSettings) -> Path | None:
    """Return the file of the language model, None where answers quote; raises :class:`UsageError` where it is not there."""
    if settings.model is None:
        return None
    model = settings.model.expanduser()
    if not model.is_file():
        raise UsageError(f"There is no language model '{model}'.", "Name a GGUF file in FUSIONGUARD_ASSISTANT_MODEL, or none.")
    return model
