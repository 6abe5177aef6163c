"""What may not be in the index: personal data and secrets."""

from __future__ import annotations

import re

_FORBIDDEN = {  # until fusionguard.assistant.redaction is there
    "e-mail": re.compile(r"\b[\w.+-]+@(?!example\.)[\w-]+\.[a-z]{2,}\b", re.IGNORECASE),
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}


def forbidden_in(text: str) -> tuple[str, ...]:
    """Return the kinds of personal data and secrets in a text, never their values."""
    return tuple(kind for kind, pattern in _FORBIDDEN.items() if pattern.search(text))
