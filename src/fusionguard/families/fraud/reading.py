"""Reading a slice with a model: scores beside the labels, amounts, times and weights that metrics need, and the final reading."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fusionguard.data.table import Table
from fusionguard.evaluation.scored import ScoredRows
from fusionguard.evaluation.segments import cut_rows
from fusionguard.evaluation.splits import Slice, SplitPlan
from fusionguard.families.fraud.config import FraudEvaluationConfig, FraudFairnessConfig
from fusionguard.families.fraud.model import FraudModel, Scores, load
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.families.fraud.report import EvaluationReport, evaluate
from fusionguard.families.fraud.rows import amounts
from fusionguard.features.definition import FeatureDefinition
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
    fairness: FraudFairnessConfig | None = None,
) -> EvaluationReport:
    """Take the final reading: what a bundle's model is worth on the test slice, beside references, with intervals.

    Parameters
    ----------
    references
        Calibrated probabilities (n_test,) by reference, as ``score_references`` returns them.
    negative_weight
        How many real legitimate rows one legitimate row stands for, as the features' manifest says.
    fairness
        The limits of gaps between groups of the data set's protected attributes; none where nothing is said.

    Raises
    ------
    BundleError
        The bundle is damaged, or is no fraud model.
    DataError
        The test slice has one outcome only.
    """
    model = load(bundle)
    definition = model.family.features
    rows = read_test(model, features, plan, negative_weight)
    read = {name: rows.scored_by(probability) for name, probability in references.items()}
    cuts, attributes = definition.log_segmentations, definition.attributes
    cut = cut_rows(plan.test.read(features, features.columns), (*cuts, *attributes))
    return evaluate(
        rows,
        read,
        model.policy,
        config,
        origin=bundle.manifest.origin,
        seed=seed,
        segments=cut[: len(cuts)],
        has_amounts=definition.amount is not None,
        attributes=cut[len(cuts) :],
        fairness=fairness,
    )


def read_test(model: FraudModel, features: Table, plan: SplitPlan, negative_weight: float) -> ScoredRows:
    """Score the test slice with a model."""
    definition = model.family.features
    answer = model.answer_features(plan.test.read(features, definition.model_features))
    scores = Scores(answer["score"].to_numpy(), answer["probability"].to_numpy())
    return scored_rows(scores, features, plan.test, negative_weight, definition, model.policy)


def scored_rows(
    scores: Scores,
    features: Table,
    part: Slice,
    negative_weight: float,
    definition: FeatureDefinition,
    policy: DecisionPolicy,
) -> ScoredRows:
    """Put the scores of one slice beside its labels, times, weights, owners, and what each row costs if it is a fraud."""
    columns = [name for name in (definition.amount, definition.time_column, definition.group_column) if name is not None]
    rows = part.read(features, [*columns, definition.label])
    label = rows[definition.label].to_numpy().astype(np.int8)
    return ScoredRows(
        label=label,
        probability=scores.probability,
        score=scores.score,
        amount=policy.loss(amounts(rows, definition)),
        time_seconds=None if definition.time_column is None else rows[definition.time_column].to_numpy(),
        weight=np.where(label == 0, negative_weight, 1.0),
        owner=None if definition.group_column is None else rows[definition.group_column].to_numpy().astype(np.int64),
    )
