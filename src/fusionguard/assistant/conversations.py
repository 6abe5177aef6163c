"""What is remembered of conversations: the last questions of each, in memory alone, and no more than a set number."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from typing import NamedTuple


class Turn(NamedTuple):
    """A question as it came, which only the guard reads again, and as it was understood: nothing of one that was refused."""

    asked: str
    understood: str


class Conversations:
    """Earlier questions by conversation. The conversation that has been silent longest is forgotten first."""

    def __init__(self, turns: int, most: int) -> None:
        self._turns, self._most = turns, most
        self._known: OrderedDict[str, deque[Turn]] = OrderedDict()
        self._lock = threading.Lock()

    def earlier(self, conversation: str) -> tuple[Turn, ...]:
        """Return the turns before, oldest first; none of a question that stands alone."""
        with self._lock:
            return tuple(self._known.get(conversation, ()))

    def remember(self, conversation: str, turn: Turn) -> None:
        """Add a turn."""
        if not conversation or not self._turns:
            return
        with self._lock:
            self._known.setdefault(conversation, deque(maxlen=self._turns)).append(turn)
            self._known.move_to_end(conversation)
            while len(self._known) > self._most:
                self._known.popitem(last=False)

    def forget(self, conversation: str) -> None:
        """Forget a conversation."""
        with self._lock:
            self._known.pop(conversation, None)
