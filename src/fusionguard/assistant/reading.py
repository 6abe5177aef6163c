"""What a source gives: passages with ids that stay, and in plain words what could not be read."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from fusionguard.assistant.chunking import chunks_of
from fusionguard.assistant.passages import Passage, PassageKind

SIMULATED = "SIMULATED data"
"""Stands in the heading of every passage that a simulated model or window is told of in."""

_SIMULATED_NOTICE = re.compile(r"^> \*\*SIMULATED DATA\.\*\*", re.MULTILINE)


@dataclass(frozen=True)
class Reading:
    """Passages as they were read, and in plain words what could not be."""

    passages: tuple[Passage, ...] = ()
    notes: tuple[str, ...] = ()

    def __add__(self, other: Reading) -> Reading:
        """Return both, in this order."""
        return Reading(self.passages + other.passages, self.notes + other.notes)


def passages_of(markdown: str, *, kind: PassageKind, file: str, title: str, source: str, about: str = "") -> list[Passage]:
    """Cut one document into passages; a text that stands twice below the same heading counts once.

    A passage is read by itself. So every heading says where the document is about simulated data, by the notice at its top,
    and what it is ``about`` where other documents have the same headings.
    """
    said = f" ({SIMULATED})" if _SIMULATED_NOTICE.search(markdown) else ""
    said += f", {about}" if about else ""
    passages: dict[str, Passage] = {}
    for chunk in chunks_of(markdown, title):
        first, *rest = chunk.headings
        heading = " > ".join([first + said, *rest])
        passage = make_passage(kind=kind, file=file, heading=heading, text=chunk.text, source=source)
        passages[passage.id] = passage
    return list(passages.values())


def make_passage(*, kind: PassageKind, file: str, heading: str, text: str, source: str) -> Passage:
    """Return a passage with the id that its file, heading and text give."""
    return Passage(id=_id(file, heading, text), kind=kind, file=file, heading=heading, text=text, source=source)


def _id(file: str, heading: str, text: str) -> str:
    digest = hashlib.sha256("\0".join((file, heading, text)).encode()).hexdigest()[:10]
    parts = [_slug(heading.rpartition(" > ")[2])[:48].strip("-"), digest]
    return f"{_slug(file, keep='./')}#{'-'.join(part for part in parts if part)}"


def _slug(text: str, keep: str = "") -> str:
    return re.sub(rf"[^A-Za-z0-9{re.escape(keep)}]+", "-", text).strip("-")
