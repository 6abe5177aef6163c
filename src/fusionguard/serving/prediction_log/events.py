"""How the prediction log names the event of a row: by a digest of the declared id, which a history has, too."""

from __future__ import annotations

from hashlib import sha256

_DIGITS = 16


def event_digest(event_id: str) -> str | None:
    """Return 64 bits, as hex digits, of an event's id; None where it has none."""
    return sha256(event_id.encode(errors="surrogatepass")).hexdigest()[:_DIGITS] if event_id else None


def digest_sql(event_id: str) -> str:
    """Return DuckDB's SQL of the same, of the SQL of an event's id."""
    return f"SUBSTR(SHA256({event_id}), 1, {_DIGITS})"
