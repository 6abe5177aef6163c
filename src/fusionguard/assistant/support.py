"""How well passages support an answer at all: calibrated on questions that have one and near misses that have none."""

from __future__ import annotations

import math

from fusionguard.assistant.passages import Retrieval

SUPPORTED = 0.5
"""From this support on a question is answered; below it the answer is "I don't know"."""

WORDS_ALONE = (-4.0, 8.0)
WITH_MEANING = (-6.0, 6.0, 6.0)
"""Logistic weights: constant, coverage of the question's words, cosine. `python -m benchmarks.assistant` says how to fit them."""


def is_supported(retrieval: Retrieval) -> bool:
    """Return whether what was found can carry an answer at all."""
    return bool(retrieval.found) and retrieval.support >= SUPPORTED


def support(covered: float, cosine: float | None) -> float:
    """Return the support, from 0 to 1, of the best passage's coverage and cosine; None where there is no embedding model."""
    if cosine is None:
        constant, weight = WORDS_ALONE
        return _logistic(constant + weight * covered)
    constant, words, meaning = WITH_MEANING
    return _logistic(constant + words * covered + meaning * cosine)


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
