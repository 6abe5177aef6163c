"""Text as a reader sees it: one form for digits, dashes and spaces, nothing invisible, and the way back to each character."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_DASHES = dict.fromkeys("‐‑‒–—―−﹘﹣－⁃᠆⸺⸻〜", "-")
_QUOTES = dict.fromkeys("‘’‚‛`´", "'") | dict.fromkeys("“”„‟«»", '"')
_SAME = _DASHES | _QUOTES
# They show nothing, and Unicode does not call all of them format.
_BLANKS = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u180e"


@dataclass(frozen=True)
class Folded:
    """Folded text, and for each of its characters the place in the original that it comes from."""

    text: str
    places: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a span of the folded text stands in the original."""
        return self.places[start], self.places[end - 1] + 1


def fold(text: str) -> Folded:
    """Return text in compatibility form (NFKC), with plain digits, dashes, quotes and spaces, and without what cannot be seen."""
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for each in _plain(character):
            characters.append(each)
            places.append(place)
    return Folded("".join(characters), tuple(places))


def is_invisible(character: str) -> bool:
    """Return whether nothing is seen of a character: zero width, tags, variation selectors, direction marks, controls."""
    if character.isascii():
        return character < " " and character not in "\t\n\r"
    category = unicodedata.category(character)
    return (
        category in {"Cf", "Cc", "Co", "Cn", "Cs"}
        or character in _BLANKS
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def visible(text: str) -> str:
    """Return text without the characters that nobody sees."""
    return "".join(each for each in text if not is_invisible(each))


def _plain(character: str) -> str:
    if character.isascii():
        return "" if is_invisible(character) else _SAME.get(character, character)
    if character in _SAME:
        return _SAME[character]
    if is_invisible(character):
        return ""
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    if character.isspace():
        return "\n" if character in "\u2028\u2029\x85" else " "
    return "".join(_SAME.get(each, each) for each in unicodedata.normalize("NFKC", character))
