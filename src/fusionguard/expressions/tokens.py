"""The words of an expression: names, numbers, texts and signs, each with its place."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, cast

from fusionguard.expressions.errors import ExpressionError

LONGEST_TEXT = 1_000_000
"""Characters of a text that is read, at most: 500 columns need 15,000; 64 KB written anew may need ten times as many."""

TokenKind = Literal["name", "integer", "decimal", "double", "text", "sign", "end"]


class Token(NamedTuple):
    """One word; ``value`` of a text is what stands between its quotes, with doubled quotes undone."""

    kind: TokenKind
    value: str
    position: int

    def is_word(self, *words: str) -> bool:
        """Return whether it is one of some keywords or signs; keywords are written in any case."""
        return self.kind in ("name", "sign") and self.value.upper() in words


_PATTERN = re.compile(
    r"(?P<space>\s+|--[^\n]*)"
    r"|(?P<double>(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+)"
    r"|(?P<decimal>\d+\.\d*|\.\d+)"
    r"|(?P<integer>\d+)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<text>'(?:[^']|'')*')"
    r"|(?P<sign><>|!=|<=|>=|[-+*/%(),<>=])",
    re.ASCII,
)
_FORBIDDEN = {
    '"': (
        '"..." names a column in DuckDB and is a text in Spark',
        "Write texts in single quotes, and names without quotes.",
    ),
    "`": ("names are written without quotes", "Rename a column whose name is no word of letters, digits and '_'."),
    "'": ("a text without its closing quote", "End it with a single quote; a quote within a text is written twice."),
    ";": ("one expression, not several statements", "Remove the semicolon."),
    "|": ("'|' is not known here", "Join texts with CONCAT(first, second), conditions with OR."),
    "&": ("'&' is not known here", "Join conditions with AND."),
    "^": ("'^' is not known here", "Write a product: x * x."),
    "!": ("'!' is not known here", "Write NOT condition, or x <> y."),
}


def tokens_of(text: str, *, comments: bool) -> list[Token]:
    """Split a text into its words and an end; raise :class:`ExpressionError` at the first character that begins none.

    Without ``comments``, a ``--`` is refused: who writes ``a --1`` means a sign.
    """
    if len(text) > LONGEST_TEXT:
        raise ExpressionError(text[:40] + "...", 0, f"{len(text):,} characters, of which {LONGEST_TEXT:,} are read at most")
    found = []
    place = 0
    while place < len(text):
        match = _PATTERN.match(text, place)
        if match is None:
            wrong, right = _FORBIDDEN.get(text[place], (f"'{text[place]}' is not known here", ""))
            raise ExpressionError(text, place, wrong, right)
        if match[0].startswith("--") and not comments:
            raise ExpressionError(text, place, "'--' begins a comment in SQL", "Write a + 1 for a - -1.")
        if match.lastgroup != "space":
            found.append(_token(text, match, place))
        place = match.end()
    return [*found, Token("end", "", len(text))]


def unportable(text: str) -> str:
    """Say why a text cannot stand in SQL for both engines; empty where it can."""
    if "\\" in text:
        return "a backslash in a text begins an escape in Spark and stands for itself in DuckDB"
    if "${" in text:
        return "'${' in a text begins a variable in Spark and stands for itself in DuckDB"
    if any(ord(character) < 32 for character in text):
        return "a text with a control character, such as a line break"
    return ""


def _token(text: str, match: re.Match[str], place: int) -> Token:
    kind, value = cast(TokenKind, match.lastgroup), match[0]
    if kind in ("integer", "decimal", "double") and re.match(r"[A-Za-z_.]", text[match.end() : match.end() + 1]):
        raise ExpressionError(text, place, "a number that does not end where it should", "Write it as 5, 5e-1 or 1e3.")
    if kind == "text":
        value = value[1:-1].replace("''", "'")
        if reason := unportable(value):
            raise ExpressionError(text, place, reason, "Write the text without it.")
    return Token(kind, value, place)
