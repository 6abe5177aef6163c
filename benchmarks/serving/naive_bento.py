"""A peer: BentoML as its tutorial has it, with its default settings, around the same ONNX graphs."""

import os
from pathlib import Path

import bentoml
from pydantic import create_model

from benchmarks.serving.scorer import BUNDLE_VARIABLE, PlainScorer
from fusionguard.features.fraud import V_COLUMNS

Transaction = create_model("Transaction", **dict.fromkeys(("Time", *V_COLUMNS, "Amount"), (float, ...)))  # type: ignore[call-overload]


@bentoml.service
class NaiveScoring:
    """The service."""

    def __init__(self) -> None:
        self._scorer = PlainScorer(Path(os.environ[BUNDLE_VARIABLE]))

    @bentoml.api
    def score(self, row: Transaction) -> dict:  # type: ignore[valid-type, type-arg]
        """Score a transaction."""
        return self._scorer.score(row.model_dump())  # type: ignore[attr-defined]
