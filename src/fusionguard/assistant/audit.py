"""What the assistant decided, question by question, as JSON lines without personal data: never the words of anybody."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from fusionguard.assistant.answers import AnswerKind, Persona
from fusionguard.assistant.kept_lines import KEEP, MOST_BYTES, KeptLines
from fusionguard.errors import StorageError
from fusionguard.files import locked, storage_errors, write_bytes

_log = logging.getLogger(__name__)
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._:/#-]*$"


class AuditEvent(BaseModel):
    """One question as the log keeps it. Its fields are short names and numbers, so that no text can slip in."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    request_id: str = Field(pattern=_NAME, max_length=80)
    persona: Persona
    kind: AnswerKind
    reason: str = Field(default="", pattern=r"^[a-z0-9_]*$", max_length=60)
    """Why it was refused, withheld or is unknown; empty for an answer."""
    tool: str = Field(default="", pattern=r"^[a-z0-9_]*$", max_length=60)
    cited: tuple[str, ...] = Field(default=(), max_length=50)
    """Ids of the passages cited."""
    redacted: tuple[str, ...] = Field(default=(), max_length=20)
    milliseconds: float = Field(ge=0)
    conversation: str = Field(default="", exclude=True)
    """Its id; a keyed hash of it is kept, so that its questions belong together and nobody can tell which it was."""


class AuditLog:
    """An append-only log in a folder: ``audit.jsonl``, renamed with its time when it is full; old ones go.

    A disk that refuses never stops an answer: the event is counted in ``lost`` and logged.

    Parameters
    ----------
    folder
        Made where it is missing, for its owner alone.
    most_bytes
        The size from which a file is set aside.
    keep
        How many files that were set aside are kept.
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES, keep: int = KEEP) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._lines = KeptLines(folder / "audit.jsonl", most_bytes=most_bytes, keep=keep)
        self._key: bytes | None = None
        self.lost = 0
        """Events that could not be written."""

    def record(self, event: AuditEvent) -> None:
        """Append an event; never raises for what a disk refuses."""
        with self._lock:
            try:
                with storage_errors(self._folder):
                    self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    self._lines.add(self._line(event))
            except (StorageError, OSError) as error:
                self.lost += 1
                _log.warning("An event of the assistant's audit log is lost (%d so far): %s", self.lost, error)

    def _line(self, event: AuditEvent) -> str:
        stamped = _Stamped(**event.model_dump(), time=datetime.now(UTC), conversation_hash=self._hash(event.conversation))
        return stamped.model_dump_json()

    def _hash(self, conversation: str) -> str:
        if not conversation:
            return ""
        if self._key is None:
            self._key = _read_or_make_key(self._folder / "audit.key")
        return hmac.new(self._key, conversation.encode(), hashlib.sha256).hexdigest()[:32]


class _Stamped(AuditEvent):
    time: datetime
    conversation_hash: str


def _read_or_make_key(file: Path) -> bytes:
    with locked(file.parent):
        if not file.exists():
            write_bytes(file, secrets.token_bytes(32))
            file.chmod(0o600)
        return file.read_bytes()
