"""What writes: the interface behind which a language model stands, and what may go wrong with one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from fusionguard.errors import FusionGuardError


class Message(NamedTuple):
    """One turn of what a language model is given: ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    text: str


class WriterError(FusionGuardError):
    """A language model that cannot be loaded, died, is busy or took too long; ``reason`` is a short name of why."""

    def __init__(self, what: str, remedy: str = "", *, reason: str) -> None:
        super().__init__(what, remedy)
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        return (_restore, (self.what, self.remedy, self.reason))


def _restore(what: str, remedy: str, reason: str) -> WriterError:
    return WriterError(what, remedy, reason=reason)


class Writer(Protocol):
    """A language model: it is given messages and writes text. Nothing of what it writes is trusted."""

    @property
    def name(self) -> str:
        """What it is, for people: a file's name."""

    @property
    def trouble(self) -> str:
        """Why it does not write at the moment, in a sentence; empty where it does."""

    def count_tokens(self, text: str, *, seconds: float) -> int:
        """Return how many tokens a text takes; raise :class:`WriterError` where that is not known within ``seconds``."""

    def write(
        self, messages: Sequence[Message], *, most_tokens: int, seconds: float, cancel: threading.Event | None = None
    ) -> Iterator[str]:
        """Write an answer, piece by piece as it comes; ends early where ``cancel`` is set.

        Raises
        ------
        WriterError
            With ``reason`` ``timeout``, ``busy``, ``died`` or ``unavailable``.
        """

    def close(self) -> None:
        """End it; what is being written breaks off."""
