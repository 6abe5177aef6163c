"""In which values outcomes are told: 0 and 1, and what the table of a declared data set writes, such as Y and N."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fusionguard.datasets.declared_values import as_text
from fusionguard.families.family import ModelFamily

_MOST_SHOWN = 12


@dataclass(frozen=True)
class OutcomeWords:
    """The values that tell a family's outcomes.

    Parameters
    ----------
    of_table
        1 or 0 by each text that the table of a declared data set holds, the positive ones first; empty for one that ships.
    """

    of_table: Mapping[str, int]

    @classmethod
    def of(cls, family: ModelFamily) -> OutcomeWords:
        """Return the words of a family's data set."""
        if family.declared is None:
            return cls({})
        label = family.declared.label
        return cls(dict.fromkeys(map(as_text, label.positive), 1) | dict.fromkeys(map(as_text, label.negative), 0))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers that tell whether the outcome came: 0 and 1, or none where the table means something else by them."""
        return (0, 1) if all(self.of_table.get(str(number), number) == number for number in (0, 1)) else ()

    @property
    def values(self) -> tuple[int | str, ...]:
        """All values, as JSON has them."""
        return (*self.numbers, *self.of_table)

    @property
    def positive(self) -> int | str:
        """A value that means that the outcome came; the table's own, where there is one."""
        return next((word for word, label in self.of_table.items() if label), 1)

    @property
    def expected(self) -> str:
        """What is expected of a value, in words."""
        *others, last = map(json.dumps, self.values[:_MOST_SHOWN])
        more = len(self.values) - _MOST_SHOWN
        return ", ".join([*others, last]) + f" or one of {more:,} others" if more > 0 else f"{', '.join(others)} or {last}"

    def read(self, value: Any) -> int | None:
        """Return what a JSON value tells, 1 or 0; None where it tells nothing.

        A number other than 0 and 1, or true and false, is looked up as the text that the table's cells hold.
        """
        if type(value) not in (str, bool, int, float):
            return None
        told = as_text(value)
        if type(value) is int and value in (0, 1):
            return value if value in self.numbers else None
        if type(value) is float and told in ("0", "1") and not self.numbers:
            return None
        return self.of_table.get(told)
