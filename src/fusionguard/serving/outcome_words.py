"""In which values outcomes are told: 0 and 1, and what the table of a declared data set writes, such as Y and N."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fusionguard.datasets.declared_values import as_text, same_label
from fusionguard.families.family import ModelFamily

_MOST_SHOWN = 12
_TWINS = {"true": ("1", 1), "1": ("true", 1), "false": ("0", 0), "0": ("false", 0)}
"""Truth values and numbers that stand for each other where the table means by both whether the outcome came."""


@dataclass(frozen=True)
class OutcomeWords:
    """The values that tell a family's outcomes.

    Parameters
    ----------
    of_table
        1 or 0 by each text that the table of a declared data set holds, as :func:`same_label` has it, the positive ones first;
        empty for one that ships.
    """

    of_table: Mapping[str, int]

    @classmethod
    def of(cls, family: ModelFamily) -> OutcomeWords:
        """Return the words of a family's data set."""
        if family.declared is None:
            return cls({})
        label = family.declared.label
        told = [(value, 1) for value in label.positive] + [(value, 0) for value in label.negative]
        return cls({same_label(as_text(value)): outcome for value, outcome in told})

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers that tell whether the outcome came: 0 and 1, or none where the table means something else by them."""
        return (0, 1) if all(self.of_table.get(str(number), number) == number for number in (0, 1)) else ()

    @property
    def values(self) -> tuple[int | str, ...]:
        """All numbers and texts, as JSON has them."""
        return (*self.numbers, *self.of_table)

    @property
    def takes_truth(self) -> bool:
        """Whether true and false tell outcomes, too."""
        return None not in (self.read(True), self.read(False))

    @property
    def positive(self) -> int | str:
        """A value that means that the outcome came; the table's own, where there is one."""
        return next((word for word, label in self.of_table.items() if label), 1)

    @property
    def expected(self) -> str:
        """What is expected of a value, in words."""
        *others, last = map(json.dumps, (*self.values[:_MOST_SHOWN], *((True, False) if self.takes_truth else ())))
        more = len(self.values) - _MOST_SHOWN
        return ", ".join([*others, last]) + f" or one of {more:,} others" if more > 0 else f"{', '.join(others)} or {last}"

    def read(self, value: Any) -> int | None:
        """Return what a JSON value tells, 1 or 0; None where it tells nothing.

        A number other than 0 and 1, or true and false, is looked up as the text that the table's cells hold.
        """
        if type(value) is str:
            return self._word(same_label(value))
        if type(value) not in (bool, int, float):
            return None
        told = as_text(value)
        if told not in ("0", "1"):
            return self._word(told)
        return int(told) if self.numbers and (self.of_table or type(value) is int) else None

    def read_cell(self, text: str) -> int | None:
        """Return the same of a cell of a file, in which numbers are written as texts are."""
        told = same_label(text)
        found = self._word(told)
        return int(told) if found is None and told in ("0", "1") and self.numbers else found

    def _word(self, told: str) -> int | None:
        if told in self.of_table:
            return self.of_table[told]
        twin, meaning = _TWINS.get(told, ("", 0))
        return meaning if self.of_table.get(twin) == meaning else None
