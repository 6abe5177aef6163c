"""Made-up rows, checked as the scoring service checks those of its clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fusionguard.errors import UsageError

if TYPE_CHECKING:
    from fusionguard.families.family import ModelFamily
    from fusionguard.serving.requests import OneRow

MOST_FAULTS = 5
"""How many of the faults of a row are told."""


def checked_row(family: ModelFamily, row: Mapping[str, Any]) -> OneRow:
    """Return a row as the family's online models take it, and what its past is found by; what is missing of it is None.

    Raises
    ------
    UsageError
        It is no row of the data set; every field that is wrong is named, without its value.
    """
    from fusionguard.serving.problems import ProblemError  # libraries that take seconds to import
    from fusionguard.serving.requests import RowReader

    fields = {field.name: field for field in family.request_fields.all}
    for name in row:
        if name not in fields:
            raise UsageError(f"A {family.thing} has no field '{name}'.", f"It has: {', '.join(fields)}.")
    try:
        return RowReader(family.request_fields).one(dict(row))
    except ProblemError as problem:
        told = [f"{fault.path} must be {fault.expected}." for fault in problem.faults[:MOST_FAULTS]]
        raise UsageError(" ".join(told), "Correct the value." if len(told) == 1 else "Correct the values.") from None
