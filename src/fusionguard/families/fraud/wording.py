"""Reasons in the words of the data set: ``merchant's trade: 6051``, ``distance from home 210``."""

from __future__ import annotations

import math

from fusionguard.evaluation.explanation import Wording
from fusionguard.families.fraud.rows import Encoding
from fusionguard.features.definition import FeatureDefinition


def wording_of(definition: FeatureDefinition, encoding: Encoding) -> Wording:
    """Return how reasons are told: a feature that the data set has words for with its value, and any other by its name."""

    def describe(name: str, value: float) -> str:
        if name not in definition.words:
            return name
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
