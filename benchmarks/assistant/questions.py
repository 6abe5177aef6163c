"""The question set: what people ask, and where the answer stands."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from fusionguard.assistant.passages import Passage

FILE = Path(__file__).parent / "questions.yaml"

Part = Literal["dev", "test", "fresh", "held"]


class AskedQuestion(BaseModel):
    """A question with the places, ``file#heading``, any of which answers it; none where nothing does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ask: str
    part: Part
    places: tuple[str, ...] = Field(default=(), alias="in")

    @property
    def answerable(self) -> bool:
        """Whether the documents answer it."""
        return bool(self.places)

    def rank(self, found: tuple[Passage, ...]) -> int | None:
        """Return the place, from 1, of the first passage that answers it; null where none does."""
        return next((rank for rank, passage in enumerate(found, start=1) if place_of(passage) in self.places), None)


def place_of(passage: Passage) -> str:
    """Return where a passage stands, as the questions name it."""
    return f"{passage.file}#{passage.heading.rpartition(' > ')[2]}"


def read_questions(part: Part | None = None) -> tuple[AskedQuestion, ...]:
    """Return all questions, or those of one part."""
    known = TypeAdapter(tuple[AskedQuestion, ...]).validate_python(yaml.safe_load(FILE.read_text(encoding="utf-8")))
    return tuple(question for question in known if part in (None, question.part))
