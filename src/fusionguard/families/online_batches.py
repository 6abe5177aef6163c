"""Batches of requests: answered by the model as it scores files, and explained where that is worth most."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.families.family import REASONS, FamilyTraits
from fusionguard.families.online import REASONS_TOLD
from fusionguard.families.scoring_model import ScoringModel

EXPLAINED_IN_A_BATCH = 100
"""Flagged rows of a batch that get reason codes: those that are worth most. An exact explanation costs milliseconds a row."""


def answer_batch(family: FamilyTraits, model: ScoringModel, features: pa.Table) -> tuple[pa.Table, int]:
    """Answer a batch, with reason codes for the flagged rows that are worth most; return how many flagged rows have none.

    Parameters
    ----------
    features
        The family's model features, a row for each that was sent.
    """
    values = model.answer_features(features)
    flagged = np.flatnonzero(pc.equal(values["decision"], family.flagged).to_numpy().astype(bool))
    if not flagged.size:
        return values, 0
    order = np.argsort(-values[family.worth].to_numpy()[flagged], kind="stable")
    told = flagged[order[:EXPLAINED_IN_A_BATCH]]
    reasons = np.full(features.num_rows, "", dtype=object)
    reasons[told] = model.answer_features(features.take(told), reasons=REASONS_TOLD)[REASONS].to_pylist()
    place = values.column_names.index(REASONS)
    return values.set_column(place, values.schema.field(place), pa.array(reasons, pa.string())), int(flagged.size - told.size)
