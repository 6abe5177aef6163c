"""What requests are known by: the client's own id where it gives one, else one that is made here."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from itertools import count

EXPECTED = "1 to 64 letters, digits or ._~-"

CURRENT: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is at work, for what is logged meanwhile."""

_FORM = re.compile(r"[A-Za-z0-9._~-]{1,64}\Z")


def is_request_id(text: str) -> bool:
    """Tell whether a text can be a request's id."""
    return _FORM.match(text) is not None


class RequestIds:
    """Makes ids that no other process makes: 64 random bits of this one, and a number."""

    def __init__(self) -> None:
        self._mine, self._numbers = secrets.token_hex(8), count()

    def new(self) -> str:
        """Return the next one."""
        return f"{self._mine}-{next(self._numbers):x}"
