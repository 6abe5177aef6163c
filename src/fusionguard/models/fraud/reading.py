"""Reading a slice with a model: scores beside the labels, amounts, times and weights that metrics need."""

from __future__ import annotations

import numpy as np

from fusionguard.data.table import Table
from fusionguard.evaluation.scored import ScoredRows
from fusionguard.evaluation.splits import Slice, SplitPlan
from fusionguard.features.fraud import LABEL, MODEL_FEATURES
from fusionguard.models.fraud.model import FraudModel, Scores


def read_test(model: FraudModel, features: Table, plan: SplitPlan, negative_weight: float) -> ScoredRows:
    """Score the test slice with a model."""
    rows = features.read(list(MODEL_FEATURES), plan.test.start, plan.test.stop)
    return scored_rows(model.score(rows), features, plan.test, negative_weight)


def scored_rows(scores: Scores, features: Table, part: Slice, negative_weight: float) -> ScoredRows:
    """Put the scores of one slice beside its labels, amounts, times and weights."""
    rows = features.read([LABEL, "Amount", "time_seconds", "hour_of_day"], part.start, part.stop)
    label = rows[LABEL].to_numpy().astype(np.int8)
    return ScoredRows(
        label=label,
        probability=scores.probability,
        score=scores.score,
        amount=rows["Amount"].to_numpy(),
        time_seconds=rows["time_seconds"].to_numpy(),
        hour_of_day=rows["hour_of_day"].to_numpy().astype(np.int16),
        weight=np.where(label == 0, negative_weight, 1.0),
    )
