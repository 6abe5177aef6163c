"""Rows to compare with, kept beside a model when it is trained: what its bundle's percentiles cannot tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.data.table import Table
from fusionguard.evaluation.churn.holdout import HoldoutPlan
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.features.churn import LABEL as CHURN_LABEL
from fusionguard.features.fraud import LABEL as FRAUD_LABEL
from fusionguard.models.bundle import Bundle
from fusionguard.models.family import ScoringModel, model_family
from fusionguard.monitoring.counted import table_reference
from fusionguard.monitoring.reference import Reference, profile_reference

FILE = "reference.parquet"
"""Its name in the folder of a model version."""

ROWS = 40_000
"""At most so many rows are kept of each kind: that is enough for deciles, segments and a classifier."""

UNSEEN = "unseen"
"""True for a row that the model was not fitted on: its scores alone show how the model scores."""


def fraud_reference_rows(model: ScoringModel, features: Table, plan: SplitPlan, negative_weight: float, *, seed: int) -> pa.Table:
    """Return transactions as the log has them: model features, ``probability``, ``decision`` and ``unseen``.

    Half of them come from the whole table, for what transactions look like at any hour, and half from the test slice, for how
    the model scores what it has not seen. Each is drawn by its weight, so that a file that lacks legitimate rows has the shares
    it would have without that.
    """
    label = features.read([FRAUD_LABEL])[FRAUD_LABEL].to_numpy()
    weight = np.where(label == 0, negative_weight, 1.0)
    everywhere, unseen = np.arange(label.size), np.arange(plan.test.start, plan.test.stop)
    return _rows(model, features, everywhere, unseen, weight, seed)


def churn_reference_rows(model: ScoringModel, features: Table, plan: HoldoutPlan, *, seed: int) -> pa.Table:
    """Return customers likewise: the whole table, and the test slice again as what the model has not seen."""
    label = features.read([CHURN_LABEL])[CHURN_LABEL].to_numpy().astype(np.int8)
    _, test = plan.places(label)
    return _rows(model, features, np.arange(label.size), test, np.ones(label.size), seed)


def kept_reference(bundle: Bundle, rows: Table | None, *, scratch: Path, seed: int) -> Reference:
    """Return what a window is compared with: the rows that were kept, or where there are none, the bundle's profile.

    A profile tells of the earliest part of the data alone; windows that are not drifted may differ from it.
    """
    if rows is None:
        return profile_reference(bundle)
    family, table = model_family(bundle.manifest.model), rows.read()
    seen, unseen = (table.filter(flag).drop_columns(UNSEEN) for flag in (pc.invert(table[UNSEEN]), table[UNSEEN]))
    whole = table_reference(seen, family, scratch=scratch, seed=seed)
    scored = table_reference(unseen, family, scratch=scratch, seed=seed)
    return replace(whole, probability=scored.probability, unseen=scored)


def _rows(
    model: ScoringModel,
    features: Table,
    everywhere: np.ndarray,
    unseen: np.ndarray,
    weight: np.ndarray,
    seed: int,
) -> pa.Table:
    rng = np.random.default_rng(seed)
    chosen = [_draw(places, weight, rng) for places in (everywhere, unseen)]
    names = list(model_family(model.bundle.manifest.model).features.model_features)
    rows = features.read(names).take(np.concatenate(chosen))
    answer = model.answer(rows)
    flags = np.repeat([False, True], [places.size for places in chosen])
    for name in ("probability", "decision"):
        rows = rows.append_column(name, answer[name])
    return rows.append_column(UNSEEN, pa.array(flags)).combine_chunks()


def _draw(places: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw by weight; where all weigh the same and all fit, each once."""
    own = weight[places]
    if own.size <= ROWS and own.min() == own.max():
        return places
    return np.sort(rng.choice(places, min(ROWS, own.size), p=own / own.sum()))
