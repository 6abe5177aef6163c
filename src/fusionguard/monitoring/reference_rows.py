"""Rows to compare with, kept beside a model when it is trained: what its bundle's percentiles cannot tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.data.table import Table
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.catalog import model_family
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.features.churn import LABEL as CHURN_LABEL
from fusionguard.features.fraud import LABEL as FRAUD_LABEL
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.clustering import design_effect, kept_design_effect, with_design_effect
from fusionguard.monitoring.counted import table_reference
from fusionguard.monitoring.reference import Reference, profile_reference, trained_seconds, uneven

FILE = "reference.parquet"
"""Its name in the folder of a model version."""

ROWS = 80_000
"""At most so many rows are kept of each kind: that is enough for deciles, segments, a classifier and rare alerts."""

UNSEEN = "unseen"
"""True for a row that the model was not fitted on: its scores alone show how the model scores."""


def fraud_reference_rows(model: ScoringModel, features: Table, negative_weight: float, *, seed: int) -> pa.Table:
    """Return transactions as the log has them: model features, ``probability``, ``decision`` and ``unseen``.

    They come from the whole table, for what transactions look like and how they score at any hour; each is drawn by its weight,
    so that a file that lacks legitimate rows has the shares it would have without that. None is marked as unseen: the slice that
    the model was not fitted on holds some hours only, and what hours do to scores is more than what fitting does (of simulated
    transactions, the last fifth is flagged half as often as the whole, fitted rows a sixth more often than new ones).
    They carry the design effect of frauds, which come in campaigns.
    """
    label = features.read([FRAUD_LABEL])[FRAUD_LABEL].to_numpy().astype(np.int8)
    weight = np.where(label == 0, negative_weight, 1.0)
    rows = _rows(model, features, (np.arange(label.size), np.arange(0)), (weight, np.ones(0)), seed)
    return with_design_effect(rows, design_effect(label))


def churn_reference_rows(model: ScoringModel, features: Table, plan: HoldoutPlan, *, seed: int) -> pa.Table:
    """Return customers likewise: the whole table, and the test slice again, which is like the whole and was not fitted on."""
    label = features.read([CHURN_LABEL])[CHURN_LABEL].to_numpy().astype(np.int8)
    _, test = plan.places(label)
    return _rows(model, features, (np.arange(label.size), test), (np.ones(label.size), np.ones(test.size)), seed)


def kept_reference(bundle: Bundle, rows: Table | None, *, scratch: Path, seed: int) -> Reference:
    """Return what a window is compared with: the rows that were kept, or where there are none, the bundle's profile.

    A profile tells of the earliest part of the data alone; windows that are not drifted may differ from it.
    """
    if rows is None:
        return profile_reference(bundle)
    family, table = model_family(bundle.manifest.model), rows.read()
    seen, unseen = (table.filter(flag).drop_columns(UNSEEN) for flag in (pc.invert(table[UNSEEN]), table[UNSEEN]))
    counted = table_reference(seen, family, scratch=scratch, seed=seed)
    # The rows that were kept have no time of their own: the bundle knows how long they span at least.
    whole = replace(counted, design_effect=kept_design_effect(rows), unjudged=uneven(family, trained_seconds(bundle)))
    if not unseen.num_rows:
        return whole
    scored = table_reference(unseen, family, scratch=scratch, seed=seed)
    return replace(whole, probability=scored.probability, unseen=scored)


def scored_rows(rows: Table, columns: list[str]) -> pa.Table:
    """Return some columns of the kept rows by which scores are judged: those that were not fitted on, where there are any."""
    table = rows.read([*columns, UNSEEN])
    unseen = table.filter(table[UNSEEN])
    return (unseen if unseen.num_rows else table).drop_columns(UNSEEN)


def _rows(
    model: ScoringModel,
    features: Table,
    places: tuple[np.ndarray, np.ndarray],
    weights: tuple[np.ndarray, np.ndarray],
    seed: int,
) -> pa.Table:
    """Return rows drawn from two lists of places, the second of which is of those that the model has not seen."""
    rng = np.random.default_rng(seed)
    chosen = [_draw(own, weight, rng) for own, weight in zip(places, weights, strict=True)]
    names = list(model_family(model.bundle.manifest.model).features.model_features)
    rows = features.read(names).take(np.concatenate(chosen))
    answer = model.answer_features(rows)
    flags = np.repeat([False, True], [drawn.size for drawn in chosen])
    for name in ("probability", "decision"):
        rows = rows.append_column(name, answer[name])
    return rows.append_column(UNSEEN, pa.array(flags)).combine_chunks()


def _draw(places: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw by weight; where all weigh the same and all fit, each once."""
    if places.size <= ROWS and np.unique(weight).size <= 1:
        return places
    return np.sort(rng.choice(places, min(ROWS, places.size), p=weight / weight.sum()))
