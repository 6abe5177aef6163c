"""What may not be in the index: personal data and secrets."""

from __future__ import annotations

from fusionguard.assistant.redaction import find_personal_data, find_secrets


def forbidden_in(text: str, names: frozenset[str] = frozenset(), columns: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the kinds of personal data and secrets in a text, never their values.

    ``names`` are customers' that are known, ``columns`` those of declared data sets whose values are private.
    """
    return (*find_personal_data(text, names, columns), *find_secrets(text))
