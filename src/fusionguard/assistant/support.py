"""How well passages support an answer at all: calibrated on questions that have one and near misses that have none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

from fusionguard.assistant.passages import Retrieval

SUPPORTED = 0.5
"""From this support on a question is answered; below it the answer is "I don't know"."""


@dataclass(frozen=True)
class Evidence:
    """What tells whether there is an answer, each from 0 to 1."""

    covered: float
    """The share of the words searched for that the best of the passages holds, rare words weighing more."""
    unheard: float
    """The share of the question's own words that no passage at all holds."""
    cosine: float
    """The largest of a passage with the question; 0 where there is no embedding model."""


@dataclass(frozen=True)
class Weights:
    """A logistic law over :class:`Evidence`."""

    constant: float
    covered: float
    unheard: float
    cosine: float


WORDS_ALONE = Weights(constant=0.23, covered=1.2, unheard=-4.24, cosine=0.0)
WITH_MEANING = Weights(constant=-1.37, covered=2.16, unheard=-3.54, cosine=2.3)
"""Fitted on the part `dev` of the questions: python -m benchmarks.assistant --calibrate."""


def is_supported(retrieval: Retrieval) -> bool:
    """Return whether what was found can carry an answer at all."""
    return bool(retrieval.found) and retrieval.support >= SUPPORTED


def support(evidence: Evidence, weights: Weights) -> float:
    """Return the support, from 0 to 1."""
    constant, *slopes = astuple(weights)
    value = constant + sum(slope * each for slope, each in zip(slopes, astuple(evidence), strict=True))
    return 1 / (1 + math.exp(-value))


def covered_share(holding: Mapping[str, frozenset[int]], numbers: Sequence[int], passages: int) -> float:
    """Return the share of the words that the best of the passages holds, each word weighing its inverse document frequency."""
    weights = {word: math.log(1 + passages / (len(held) + 0.5)) for word, held in holding.items()}
    whole = sum(weights.values())
    held = [sum(weight for word, weight in weights.items() if number in holding[word]) for number in numbers]
    return max(held, default=0.0) / whole if whole else 0.0


def unheard_share(holding: Mapping[str, frozenset[int]], words: Sequence[str]) -> float:
    """Return the share of the words that no passage holds."""
    return sum(not holding[word] for word in words) / len(words) if words else 1.0
