"""How the fields of a model's made-up rows are found in a question: its words, compiled."""

from __future__ import annotations

import re
from functools import cached_property

from fusionguard.families.family import ModelFamily
from fusionguard.families.request_fields import Number
from fusionguard.families.words import FieldWords


class FieldPatterns:
    """The patterns of one model's fields, each made when it is first needed."""

    def __init__(self, family: ModelFamily) -> None:
        self._family = family
        self.words: FieldWords = family.words.fields

    @cached_property
    def named(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        """What stands before a field's value, by field."""
        return tuple((name, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for name, words in self.words.before.items())

    @cached_property
    def units(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        """What stands behind it, by field."""
        return tuple((name, re.compile(rf"{unit}\b", re.IGNORECASE)) for name, unit in self.words.after.items())

    @cached_property
    def numbered(self) -> re.Pattern[str] | None:
        """Fields that are called by a letter and a number: ``V14``, ``v 14``."""
        return None if self.words.numbered is None else numbered_pattern(self.words.numbered[0])

    @cached_property
    def names(self) -> frozenset[str]:
        """The fields themselves."""
        return frozenset(each.name for each in self._family.request_fields.all)

    @cached_property
    def whole(self) -> dict[str, Number]:
        """The fields that hold whole numbers."""
        return {each.name: each for each in self._family.request_fields.numbers if each.whole}


def numbered_pattern(letters: str) -> re.Pattern[str]:
    """Return what finds fields that are called by one of some letters and a number."""
    return re.compile(rf"(?<![\w.])(?:{letters}) ?(\d+)(?!\d)", re.IGNORECASE)
