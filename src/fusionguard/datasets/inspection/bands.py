"""The bands of an age, in which people think of it."""

from __future__ import annotations

import re

from fusionguard.datasets.inspection.name_words import PROTECTED_IF_ALONE, name_words
from fusionguard.datasets.inspection.profile import Column, Profile

_AGE_EDGES = (30, 40, 50, 60)
_IDENTIFIER = re.compile("[a-z][a-z0-9_]{0,62}")


def age_bands(profile: Profile, column: Column) -> tuple[str, list[int]] | None:
    """Return the name of bands of an age and where they begin, those of the shipped bank customers; None of what is no age."""
    low, high = column.smallest, column.largest
    words = name_words(column.name)
    name = f"{'_'.join(words)}_band"
    taken = {each.name.casefold() for each in profile.columns}
    if column.form.kind != "number" or not set(words) & PROTECTED_IF_ALONE or name in taken or low is None or high is None:
        return None
    edges = [edge for edge in _AGE_EDGES if low < edge <= high]
    return (name, edges) if edges and _IDENTIFIER.fullmatch(name) and not column.misfits else None
