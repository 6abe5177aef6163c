"""What is wrong with a request, in the one form that every refusal has (RFC 9457, ``application/problem+json``)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple

MOST_FAULTS = 20
"""Faults told in one answer; a body of 10,000 wrong rows does not deserve a longer one."""

MOST_COUNTED = 10 * MOST_FAULTS
"""Faults looked for: others wait while a body of millions is read to its end."""


class Fault(NamedTuple):
    """One thing that is wrong: where, what is expected there, and what kind of thing was found. Never the value itself."""

    path: str
    expected: str
    found: str


class ProblemError(Exception):
    """A request that is refused; the service answers it with ``status`` and :meth:`content`."""

    def __init__(
        self, status: int, reason: str, detail: str, faults: Iterable[Fault] = (), headers: dict[str, str] | None = None
    ) -> None:
        self.faults = list(faults)
        self.status, self.reason, self.detail, self.headers = status, reason, detail, headers or {}
        super().__init__(status, reason, detail)

    def content(self, request_id: str) -> dict[str, Any]:
        """Return the members of the answer; ``reason`` is a short name that programs and metrics go by."""
        content: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "reason": self.reason,
            "detail": self.detail,
            "request_id": request_id,
        }
        if self.faults:
            content["errors"] = [fault._asdict() for fault in self.faults[:MOST_FAULTS]]
            content["errors_in_all"] = len(self.faults)
        return content


def invalid(faults: Iterable[Fault]) -> ProblemError:
    """Return the refusal of a body that is well formed but not what is expected."""
    listed = list(faults)
    first = listed[0]
    return ProblemError(422, "invalid", f"{first.path}: expected {first.expected}, found {first.found}.", listed)


def clip(name: str) -> str:
    """Return a name that a client made up, short enough and plain enough to be given back."""
    return re.sub(r"[^A-Za-z0-9_.-]", "?", name[:40])
