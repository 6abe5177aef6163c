"""The reasons why customers leave, in words: those that somebody has written for the data set, or those of its labels."""

from __future__ import annotations

import math
from collections.abc import Mapping

from fusionguard.datasets.history_words import HistoryWords
from fusionguard.datasets.prepared_names import OTHER
from fusionguard.evaluation.explanation import Wording
from fusionguard.families.churn.groups import NOT_KNOWN, attribute_columns
from fusionguard.families.churn.rows import CustomerColumns
from fusionguard.features.definition import FeatureDefinition

_ANOTHER = "another than the known ones"


def word_of(definition: FeatureDefinition, name: str) -> str:
    """Return what people call a feature."""
    return definition.words.get(name, name)


def amount_name(definition: FeatureDefinition) -> str | None:
    """Return what people call the amount that a customer's value grows with; None where there is none."""
    return None if definition.amount is None else word_of(definition, definition.amount)


def number_text(value: float) -> str:
    """Return a number as people read it: whole ones without decimals, others with two, small ones with three digits."""
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.2f}" if 1 <= abs(value) < 1e15 else f"{value:.3g}"


def reason_wording(definition: FeatureDefinition, columns: CustomerColumns, past: HistoryWords | None = None) -> Wording:
    """Return how a model's features are told as reasons; ``past`` tells those of what happened before."""
    told = definition.told
    spoken = definition.words

    def describe(name: str, row: Mapping[str, float]) -> str:
        if past is not None and (sentence := past.describe(name, row)) is not None:
            return sentence
        value = row[name]
        known = columns.categories.get(name)
        word = spoken.get(name, name)
        if math.isnan(value):
            return f"{word} {NOT_KNOWN}"
        said = value if known is None else known[int(value)]
        if told is not None:
            return told.describe(name, said)
        if isinstance(said, str):
            return f"{word}: {_ANOTHER if said == OTHER else said}"
        return f"{word} {number_text(said)}"

    return Wording(
        describe=describe,
        speaks_for={} if told is None else told.speaks_for,
        untold=protected_features(definition) if told is None else told.untold,
        categories=columns.categories,
    )


def protected_features(definition: FeatureDefinition) -> frozenset[str]:
    """Return the model features that are protected, or made of what is: nobody is told them as a reason."""
    protected = set(attribute_columns(definition))
    made = {name for name, columns in definition.made_of.items() if protected & set(columns)}
    return frozenset((protected | made) & set(definition.model_features))
