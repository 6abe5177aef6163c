"""Out-of-fold scores: each development row as models see it that were fitted without it, once a repeat."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fusionguard.data.table import Table
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.holdout import Fold, HoldoutPlan, judged_places
from fusionguard.evaluation.planned_rows import PlannedRows
from fusionguard.evaluation.readings import AVERAGE_PRECISION
from fusionguard.evaluation.scored import Integers
from fusionguard.evaluation.ties import Choice, simplest_of_ties
from fusionguard.families.churn.calibration import cross_fitted
from fusionguard.families.churn.config import CatBoostConfig, LightGBMConfig
from fusionguard.families.churn.cross_validation import cross_validation, fold_metrics
from fusionguard.families.churn.references import CATBOOST_DEFAULTS, REFERENCES, score_reference
from fusionguard.families.churn.rows import CustomerRows, read_customers
from fusionguard.features.definition import FeatureDefinition

LIGHTGBM, CATBOOST, AVERAGE = "LightGBM", "CatBoost", "average of both"
CANDIDATES = (CATBOOST, LIGHTGBM, AVERAGE)
"""The simplest first. CatBoost's trees are symmetric: a whole level shares one split, so a tree of 16 leaves has 4 of them where
LightGBM's leaf-wise one has 15. The average needs both models wherever it scores or explains."""
_ONE_AT_A_TIME = (CATBOOST, CATBOOST_DEFAULTS)
"""CatBoost fits one model at a time in a process: see ``catboost_model``."""

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]
Scorer = Callable[[CustomerRows, Labels, CustomerRows], Floats]
"""Fit on the first two and return log-odds of the third."""


@dataclass(frozen=True)
class OutOfFold:
    """Scores by model: one (n,) of log-odds a repeat, for the n rows at :meth:`HoldoutPlan.folded_places`.

    Folds in order of time judge the later rows alone: the scores of the others are NaN, and nothing is read of them.
    """

    rows: PlannedRows
    folds: list[Fold]
    scores: dict[str, list[Floats]]

    @property
    def label(self) -> Labels:
        """The outcomes (n,)."""
        return self.rows.label

    @property
    def judged(self) -> Integers:
        """The places among the n rows that have a score, in order."""
        return judged_places(self.folds)

    def stacked(self, model: str) -> tuple[Floats, Labels]:
        """Return the scores of every repeat one after the other (repeats * m,), with the labels of the m rows that have one.

        What calibration is fitted on: means over the repeats would be sharper than the one model that is used in the end.
        """
        judged, scores = self.judged, self.scores[model]
        return np.concatenate([score[judged] for score in scores]), np.tile(self.label[judged], len(scores))


def score_out_of_fold(
    features: Table,
    definition: FeatureDefinition,
    plan: HoldoutPlan,
    lightgbm: LightGBMConfig,
    catboost: CatBoostConfig | None,
    *,
    seed: int,
) -> OutOfFold:
    """Fit every candidate and reference on each fold; two fits run beside each other on two cores.

    Without settings CatBoost is no candidate, and so neither is the average.
    """
    from fusionguard.families.churn import catboost_model, lightgbm_model

    customers, _ = read_customers(features, definition)
    rows = plan.planned(features)
    folded = plan.folded_places(rows)
    customers, rows = customers.take(folded), rows.take(folded)
    scorers: dict[str, Scorer] = {
        LIGHTGBM: lambda rows, known, unseen: lightgbm_model.margins(
            lightgbm_model.train_lightgbm(rows, known, lightgbm, seed=seed), unseen
        ),
    }
    if catboost is not None:
        scorers[CATBOOST] = lambda rows, known, unseen: catboost_model.margins(
            catboost_model.train_catboost(rows, known, catboost, seed=seed), unseen
        )
    for reference in REFERENCES:
        scorers[reference] = lambda rows, known, unseen, name=reference: score_reference(name, rows, known, unseen, seed=seed)  # type: ignore[misc]
    return fit_folds(customers, rows, plan.fold_places(rows), plan.repeats, scorers)


def fit_folds(
    customers: CustomerRows, rows: PlannedRows, folds: list[Fold], repeats: int, scorers: dict[str, Scorer]
) -> OutOfFold:
    """Run each scorer on each fold; ``LightGBM`` and ``CatBoost`` among them are averaged, too."""
    label = rows.label
    scores = {name: [np.full(rows.count, np.nan) for _ in range(repeats)] for name in scorers}

    def run(jobs: list[tuple[str, int]]) -> None:
        for name, number in jobs:
            rest, places = folds[number]
            unseen = customers.take(places)
            scores[name][number * repeats // len(folds)][places] = scorers[name](customers.take(rest), label[rest], unseen)

    # What would only wait for each other shares one thread; it begins first, for it takes longest.
    every = [(name, number) for name in scorers for number in range(len(folds))]
    together = [job for job in every if job[0] in _ONE_AT_A_TIME]
    apart = [[job] for job in every if job[0] not in _ONE_AT_A_TIME]
    with ThreadPoolExecutor(min(len(os.sched_getaffinity(0)), 8)) as pool:
        list(pool.map(run, [together, *apart]))
    if LIGHTGBM in scores and CATBOOST in scores:
        pairs = zip(scores[LIGHTGBM], scores[CATBOOST], strict=True)
        scores[AVERAGE] = [(first + second) / 2 for first, second in pairs]
    return OutOfFold(rows, folds, scores)


def choose_model(scored: OutOfFold, plan: HoldoutPlan) -> CrossValidation:
    """Choose among the candidates by mean average precision, and read every model on every fold.

    A tie goes to the simpler candidate, see :func:`simplest_of_ties`: what is harder to serve and to explain has to be worth it.
    """
    probabilities = {name: cross_fitted(scores, scored.label, scored.folds) for name, scores in scored.scores.items()}
    tried = [name for name in CANDIDATES if name in scored.scores]
    read = {name: fold_metrics(scored.label, scored.scores[name], None, scored.folds)[AVERAGE_PRECISION] for name in tried}
    choice = simplest_of_ties(read, plan.folds)
    return cross_validation(
        scored.label,
        scored.folds,
        scored.scores,
        probabilities,
        folds_per_repeat=plan.folds,
        chosen=choice.chosen,
        reason=_reason(read, choice),
    )


def _reason(read: Mapping[str, Floats], choice: Choice) -> str:
    if len(read) == 1:
        return f"{choice.chosen} was the only candidate: CatBoost takes too long on so many rows, unless its settings are given."
    listed = ", ".join(f"{values.mean():.4f} for {name}" for name, values in read.items())
    folds = f"Mean average precision over {len(read[choice.best])} folds is {listed}"
    if choice.chosen == choice.best:
        return f"{folds}, and no simpler model ties with the best one, so the model is {choice.chosen}."
    return (
        f"{folds}. {choice.best} is above {choice.chosen} by {choice.gain.text(4)}, an interval that holds 0: a tie, which goes"
        f" to the simpler model, so the model is {choice.chosen}."
    )


def out_of_fold_table(scored: OutOfFold) -> pa.Table:
    """Return the scores as a table for keeping: a column ``<model>/<repeat>`` of log-odds each, behind the plan's own columns."""
    table = scored.rows.table()
    for name, scores in scored.scores.items():
        for repeat, score in enumerate(scores):
            table = table.append_column(f"{name}/{repeat}", pa.array(score))
    return table


def read_out_of_fold(table: pa.Table, plan: HoldoutPlan) -> OutOfFold:
    """Read back what :func:`out_of_fold_table` wrote; the folds follow from the plan."""
    rows, scores = plan.columns.taken_from(table), dict[str, list[Floats]]()
    for column in table.column_names[len(rows.table().column_names) :]:
        scores.setdefault(column.rpartition("/")[0], []).append(table[column].to_numpy())
    return OutOfFold(rows, plan.fold_places(rows), scores)
