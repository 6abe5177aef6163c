"""Categories and moments of a made-up row, as a question writes them: each beside the name of its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fusionguard.families.words import MISSING, GivenValues

_LINK = r"\s*(?:(?P<set>[=:])|\b(?:is|was|of|as|at|on|equals|set\s+to)\b)?\s*"
_QUOTED = r"[\"'“‘](?P<quoted>[^\"'”’]{1,80})[\"'”’]"
_ENDS = r"(?P<ends>\s*(?:$|[,;?!]|\.(?!\w)|(?:and|with|or)\b))?"
_WORD = r"(?P<word>[^\s,;:!?\"']*[^\s,;:!?.\"'])"
_ISO = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:\s?(?:Z|[+-]\d\d:?\d\d))?"
_PARTS = {
    **dict.fromkeys("mdHIMS", r"\d{1,2}"),
    **dict.fromkeys("bBaAp", r"[^\W\d_]+\.?"),
    **dict.fromkeys("zZ", r"[\w:+/-]+"),
    **{"Y": r"\d{4}", "y": r"\d\d", "j": r"\d{1,3}", "f": r"\d+", "T": r"\d\d:\d\d:\d\d", "F": r"\d{4}-\d\d-\d\d"},
}
"""What the letters of a format of times stand for."""


@dataclass(frozen=True)
class TextField:
    """A field that holds a text.

    Parameters
    ----------
    name, called
        The raw column, and a pattern for what people call it.
    known
        The categories that are known; none of a moment.
    open
        Whether another category may be given, too.
    optional
        Whether nothing may be given.
    written
        How a moment is written, as a pattern; empty for categories.
    """

    name: str
    called: str
    known: tuple[str, ...] = ()
    open: bool = False
    optional: bool = False
    written: str = ""


def time_pattern(format_of_times: str | None) -> str:
    """Return a pattern for moments of a format as ``strptime`` has it; of ISO 8601 where there is none."""
    if format_of_times is None:
        return _ISO
    pieces = re.split(r"%-?([A-Za-z%])", format_of_times)
    return "".join(re.escape(piece) if place % 2 == 0 else _PARTS.get(piece, r"\S+") for place, piece in enumerate(pieces))


def read_texts(fields: Sequence[TextField]) -> Callable[[str, GivenValues], str]:
    """Return what notes the values of these fields in a question, and returns the question without them.

    A value counts only beside the name of its field: behind it, or right before it. What stands behind ``=`` and is no known
    category is taken as it is where the field takes others, and is unclear else; a name without a value is one that lacks it.
    """
    readers = [_Reader(field) for field in fields]

    def read(text: str, given: GivenValues) -> str:
        for reader in readers:
            text = reader.read(text, given)
        return text

    return read


class _Reader:
    """Reads one field."""

    def __init__(self, field: TextField) -> None:
        self._field = field
        listed = "|".join(_loosely(value) for value in sorted(field.known, key=len, reverse=True)) or r"(?!)"
        name = rf"(?<!\w)(?:{field.called})(?!\w)"
        value = field.written or listed
        behind = rf"[\"'“‘]?(?P<value>{value})[\"'”’]?(?!\w|[.,]\d)"
        missing = rf"(?P<missing>{MISSING})(?!\w)"
        free = rf"(?:(?<=[=:])|(?<=[=:]\s)){_QUOTED}|(?:(?<=[=:])|(?<=[=:]\s)){_WORD}{_ENDS}"
        before = rf"(?:(?<!\w)(?P<before>{value})[\s-]{{1,2}})?" if field.known else r"(?P<before>(?!))?"
        self._pattern = re.compile(rf"{before}{name}(?:{_LINK}(?:{behind}|{missing}|{free}))?", re.IGNORECASE)

    def read(self, text: str, given: GivenValues) -> str:
        """Note what is said of the field, and return the text without it."""
        return self._pattern.sub(lambda found: self._note(found, given), text)

    def _note(self, found: re.Match[str], given: GivenValues) -> str:
        field, value = self._field, found["value"] or found["before"]
        free = found["quoted"] or found["word"]
        whole = found["quoted"] is not None or found["ends"] is not None
        if value is not None:
            self._add(value, given)
        elif found["missing"] is not None and field.optional:
            given.add(field.name, None, found["missing"])
        elif found["missing"] is not None:
            given.unclear.append(f"{field.name} '{found['missing']}'")
        elif free is not None and field.open and not whole:
            given.unclear.append(f"{field.name} '{free}' and what follows (put several words into quotation marks)")
        elif free is not None and field.open:
            given.add(field.name, free, free)
        elif free is not None:
            given.unclear.append(f"{field.name} '{free}'")
        else:
            given.unsaid.append(field.name)
        return f",{' ' * (len(found[0]) - 1)}"  # a mark: what stands behind is no value of what stands before

    def _add(self, told: str, given: GivenValues) -> None:
        """Note a category by what is told of it, or a moment as it stands."""
        meant = [value for value in self._field.known if re.fullmatch(_loosely(value), told, re.IGNORECASE)]
        exact = told if self._field.written or told in meant else None
        if exact is None and len(meant) != 1:
            given.unclear.append(f"{self._field.name} '{told}', which may be {' or '.join(meant)}")
        else:
            given.add(self._field.name, exact or meant[0], told)


def _loosely(value: str) -> str:
    """Return a pattern for a category whose words may be parted otherwise."""
    return r"[\s_-]".join(map(re.escape, re.split(r"[\s_-]", value)))
