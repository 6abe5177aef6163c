"""Reasons in the words of the data set: ``merchant's trade: 6051``, ``distance from home 210``."""

from __future__ import annotations

import math
from collections.abc import Mapping

from fusionguard.datasets.history_words import HistoryWords
from fusionguard.evaluation.explanation import Wording
from fusionguard.families.fraud.rows import Encoding
from fusionguard.features.definition import FeatureDefinition


def wording_of(definition: FeatureDefinition, encoding: Encoding, past: HistoryWords | None = None) -> Wording:
    """Return how reasons are told: a feature that the data set has words for with its value, and any other by its name.

    ``past`` tells features of what happened before in sentences of their own.
    """

    def describe(name: str, row: Mapping[str, float]) -> str:
        if past is not None and (told := past.describe(name, row)) is not None:
            return told
        if name not in definition.words:
            return name
        value = row[name]
        words, known = definition.words[name], encoding.categories.get(name)
        if math.isnan(value):
            return f"{words}: not known"
        return f"{words} {_number(value)}" if known is None else f"{words}: {known[int(value)]}"

    return Wording(describe, categories=encoding.categories)


def _number(value: float) -> str:
    """Write a number with as many digits as people read: whole ones as such, large ones with cents, small ones with three."""
    size = abs(value)
    if value == round(value) and size < 1e15:
        return f"{value:.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".") if 1 <= size < 1e15 else f"{value:.3g}"
