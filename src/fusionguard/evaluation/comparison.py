"""Two models on the same test rows: how surely one ranks better, and how surely its probabilities are better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.bootstrap import PairedDifference, Reader, paired_differences
from fusionguard.evaluation.ranked import Ranking
from fusionguard.evaluation.readings import mean_reader
from fusionguard.evaluation.scored import Floats, Integers

_CERTAIN = float(np.finfo(np.float64).eps)
"""Probabilities are kept so far from 0 and 1, where one wrong answer would have an infinite loss (as scikit-learn does)."""


@dataclass(frozen=True)
class ComparedRows:
    """Test rows as one model sees them: ``label``, ``weight``, ``score`` to rank by, ``probability`` and, where it is known, the
    number of whose a row is, (n,) each."""

    label: NDArray[np.int8]
    weight: Floats
    score: Floats
    probability: Floats
    owner: Integers | None = None


class Comparison(BaseModel):
    """By how much the challenger is better than the champion; each metric is read on the same draws of the same rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    average_precision: PairedDifference
    log_loss: PairedDifference
    brier: PairedDifference
    """Log loss and Brier score are better the lower they are; their differences are turned round, so that above 0 is better."""


def compare(challenger: ComparedRows, champion: ComparedRows, *, samples: int, seed: int) -> Comparison:
    """Compare two models on the rows of ``challenger``, which ``champion`` holds in the same order; draws are of its owners.

    Log loss and Brier score are proper scoring rules (Gneiting and Raftery 2007, JASA 102:359): no probability reads better than
    the true one, so of two models that rank alike the one that is calibrated worse reads worse.

    Raises
    ------
    DataError
        The rows hold one class only.
    """
    label, weight, owner = challenger.label, challenger.weight, challenger.owner
    readers = _readers(challenger), _readers(champion)
    found = paired_differences(label, weight, *readers, samples=samples, seed=seed, owner=owner)
    return Comparison(**found)


def _readers(rows: ComparedRows) -> dict[str, Reader]:
    inside = np.clip(rows.probability, _CERTAIN, 1 - _CERTAIN)
    log_losses = -np.where(rows.label == 1, np.log(inside), np.log1p(-inside))
    squares = (rows.probability - rows.label) ** 2
    return {
        "average_precision": Ranking(rows.label, rows.score).average_precision,
        "log_loss": mean_reader(-log_losses),
        "brier": mean_reader(-squares),
    }
