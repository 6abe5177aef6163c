"""What the assistant reads: passages with their provenance, and what a search returns."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

PassageKind = Literal["document", "card", "run"]


class Passage(BaseModel):
    """A piece of text below one heading; what an answer quotes and cites."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """Stable while file, heading and text stay the same; letters, digits, dots, dashes, slashes and ``#`` only."""
    kind: PassageKind
    file: str
    """Where it stands, as people find it: ``docs/monitoring.md``, or a path below the home."""
    heading: str
    """The headings above it, outermost first, joined by `` > ``."""
    text: str
    """Plain Markdown, without the heading."""
    source: str
    """What it was made by: ``commit 1a2b3c4d5e6f`` of the checkout, ``run NAME`` of ZenML, or the file's SHA-256."""


class Found(BaseModel):
    """A passage that a search returns, with its fused score (larger is better)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passage: Passage
    score: float


class Retrieval(BaseModel):
    """The best passages for a question, best first, and how well they support an answer at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    found: tuple[Found, ...]
    support: float
    """From 0 (nothing of the question stands there) to 1; compared with a calibrated threshold."""
