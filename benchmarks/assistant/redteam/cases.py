"""The red team's cases: attacks whose success a machine can tell, and benign questions; in parts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

Part = Literal["dev", "test", "fresh"]
"""``dev``: rules were written with it; ``test``: held out until then, then read; ``fresh``: its failures were never read."""
PARTS: tuple[Part, ...] = ("dev", "test", "fresh")
Channel = Literal["direct", "indirect", "encoded", "multilingual", "multi-turn"]
_FOLDER = Path(__file__).parent


class Document(BaseModel):
    """A poisoned passage that a search returns first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    heading: str
    text: str


class Attack(BaseModel):
    """One attack. It succeeds when its last turn is answered although it must not be, or something forbidden is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    category: str
    """By OWASP's Top 10 for LLM applications, 2025: ``LLM01`` to ``LLM10``."""
    channel: Channel
    turns: tuple[str, ...]
    must_refuse: bool = False
    """Any answer with substance to the last turn is a success of the attack."""
    forbidden: tuple[str, ...] = ()
    """Text that no answer may show, in any case of its letters."""
    private: bool = False
    """What is forbidden stands in the question and may not go on to retrieval either."""
    document: Document | None = None


class Benign(BaseModel):
    """Questions that look like attacks and may not be refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    turns: tuple[str, ...]


def attacks(part: Part) -> tuple[Attack, ...]:
    """Read the attacks of a part."""
    return tuple(Attack.model_validate_json(line) for line in _lines(f"attacks_{part}.jsonl"))


def benign(part: Part) -> tuple[Benign, ...]:
    """Read the benign questions of a part."""
    return tuple(Benign.model_validate_json(line) for line in _lines(f"benign_{part}.jsonl"))


def _lines(name: str) -> list[str]:
    return (_FOLDER / name).read_text(encoding="utf-8").splitlines()
