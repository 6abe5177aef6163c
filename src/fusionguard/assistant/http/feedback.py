"""Thumbs that people give to answers: one line each, without a word of question or answer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from fusionguard.assistant.answers import Answer
from fusionguard.assistant.kept_lines import KeptLines
from fusionguard.home import Home

Thumb = Literal["up", "down"]
THUMBS: tuple[Thumb, ...] = ("up", "down")


class Feedback(BaseModel):
    """A thumb, and of the answer what tells which kind of answers people like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    request_id: str
    thumb: Thumb
    kind: str
    written_by: str
    reason: str


def feedback_file(home: Home) -> Path:
    """Return where thumbs are kept."""
    return home.state / "assistant" / "feedback.jsonl"


def keep_feedback(lines: KeptLines, request_id: str, thumb: Thumb, answer: Answer) -> None:
    """Add a line; raises :class:`StorageError` where the disk refuses."""
    told = Feedback(
        at=datetime.now(UTC),
        request_id=request_id,
        thumb=thumb,
        kind=answer.kind,
        written_by=answer.written_by,
        reason=answer.reason,
    )
    lines.add(told.model_dump_json())
