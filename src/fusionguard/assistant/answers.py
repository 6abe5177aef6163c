"""Questions and answers, as every part of the assistant hands them on."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

AnswerKind = Literal["answer", "unknown", "refused"]
Writer = Literal["extract", "model", "tool", "fixed"]


class Persona(StrEnum):
    """Who asks: changes tone and length of an answer, never its facts."""

    SUPPORT = "support"
    EXECUTIVE = "executive"
    ANALYST = "analyst"


class Question(BaseModel):
    """What somebody asks, as it came."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    persona: Persona = Persona.ANALYST
    conversation: str = ""
    """Ties questions of one chat together; empty for a question that stands alone."""


class Citation(BaseModel):
    """A passage that an answer rests on; ``[number]`` in its text points here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    passage: str
    """The passage's id; ``tool/NAME`` for what a tool returned."""
    file: str
    heading: str
    source: str
    text: str
    """The passage itself, so that it can be opened."""


class Answer(BaseModel):
    """What the assistant says. ``answer`` has citations; ``unknown`` and ``refused`` say so and what to do instead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: AnswerKind
    text: str
    citations: tuple[Citation, ...] = ()
    written_by: Writer
    """``extract``: sentences as they stand in passages; ``model``: rewritten and checked; ``tool``; ``fixed``: our own words."""
    reason: str = ""
    """A short name of why it was refused, withheld or is unknown, for the audit log and metrics."""
    support: float = 0.0
    redacted: tuple[str, ...] = ()
    """The kinds of personal data that were taken out of the question or the answer."""
    simulated: bool = False
    """Whether numbers in it come from a model or rows that were simulated."""
