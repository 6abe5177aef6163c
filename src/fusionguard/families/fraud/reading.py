"""Reading a slice with a model: scores beside the labels, amounts, times and weights that metrics need, and the final reading."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fusionguard.data.table import Table
from fusionguard.evaluation.scored import ScoredRows
from fusionguard.evaluation.splits import Slice, SplitPlan
from fusionguard.families.fraud.config import FraudEvaluationConfig
from fusionguard.families.fraud.model import Scores, load
from fusionguard.families.fraud.report import EvaluationReport, evaluate
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.features.fraud import LABEL, MODEL_FEATURES
from fusionguard.models.bundle import Bundle


def evaluate_fraud_model(
    bundle: Bundle,
    features: Table,
    plan: SplitPlan,
    references: Mapping[str, NDArray[np.float64]],
    config: FraudEvaluationConfig,
    *,
    negative_weight: float,
    seed: int,
) -> EvaluationReport:
    """Take the final reading: what a bundle's model is worth on the test slice, beside references, with intervals.

    Parameters
    ----------
    references
        Calibrated probabilities (n_test,) by reference, as ``score_references`` returns them.
    negative_weight
        How many real legitimate rows one legitimate row stands for, as the features' manifest says.

    Raises
    ------
    BundleError
        The bundle is damaged, or is no fraud model.
    DataError
        The test slice has one outcome only.
    """
    model = load(bundle)
    rows = read_test(model, features, plan, negative_weight)
    read = {name: rows.scored_by(probability) for name, probability in references.items()}
    return evaluate(rows, read, model.policy, config, origin=bundle.manifest.origin, seed=seed)


def read_test(model: ScoringModel, features: Table, plan: SplitPlan, negative_weight: float) -> ScoredRows:
    """Score the test slice with a model."""
    answer = model.answer_features(plan.test.read(features, MODEL_FEATURES))
    scores = Scores(answer["score"].to_numpy(), answer["probability"].to_numpy())
    return scored_rows(scores, features, plan.test, negative_weight)


def scored_rows(scores: Scores, features: Table, part: Slice, negative_weight: float) -> ScoredRows:
    """Put the scores of one slice beside its labels, amounts, times and weights."""
    rows = part.read(features, [LABEL, "Amount", "time_seconds", "hour_of_day"])
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
