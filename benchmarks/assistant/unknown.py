"""Whether "I don't know" is said where it is true: near misses, and questions that have an answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.assistant.questions import AskedQuestion
from benchmarks.assistant.results import UnknownReading
from fusionguard.assistant.embedding import Embedder
from fusionguard.assistant.index import Index, is_supported
from fusionguard.assistant.support import Evidence, Weights

STRENGTH = 3.0
"""Of the fit, the inverse of the L2 penalty: there are few questions."""


def read_unknown(name: str, index: Index, questions: Sequence[AskedQuestion]) -> UnknownReading:
    """Ask all, and count what is declined."""
    supported = {question.ask: is_supported(index.search(question.ask)) for question in questions}
    answerable = [question for question in questions if question.answerable]
    without = [question for question in questions if not question.answerable]
    return UnknownReading(
        name=name,
        answerable=len(answerable),
        answered=sum(supported[question.ask] for question in answerable),
        unanswerable=len(without),
        declined=sum(not supported[question.ask] for question in without),
    )


def calibrate(file: Path, embedder: Embedder | None, questions: Sequence[AskedQuestion]) -> Weights:
    """Return the weights of a logistic law fitted on the questions, both kinds weighing alike."""
    nothing = Evidence(covered=0.0, unheard=1.0, cosine=0.0)
    with Index(file, embedder) as index:
        evidence = [index.evidence(question.ask) or nothing for question in questions]
    columns = np.array([[each.covered, each.unheard, each.cosine] for each in evidence])
    if embedder is None:
        columns = columns[:, :2]
    law = LogisticRegression(C=STRENGTH, class_weight="balanced").fit(columns, [question.answerable for question in questions])
    covered, unheard, *cosine = (round(float(weight), 2) for weight in law.coef_[0])
    return Weights(
        constant=round(float(law.intercept_[0]), 2), covered=covered, unheard=unheard, cosine=cosine[0] if cosine else 0.0
    )
