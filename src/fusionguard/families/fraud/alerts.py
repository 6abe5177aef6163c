"""The alerts of the test window, the most probable first, each with what raised its risk most."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.family import REASONS
from fusionguard.families.fraud.model import REVIEW, FraudModel
from fusionguard.families.of_kind import of_kind
from fusionguard.families.training_rows import TrainingRows


def list_alerts(model: FraudModel, rows: TrainingRows, *, most: int) -> pa.Table:
    """List at most so many alerts; reasons tell values of a transaction where its data set has words for them.

    Returns
    -------
    A table of row (in the feature table, from 0), probability and reasons.
    """
    test = rows.read_test()
    answers = model.answer_features(test)
    probability = answers["probability"].to_numpy()
    flagged = np.flatnonzero(answers["decision"].to_numpy(zero_copy_only=False) == REVIEW)
    flagged = flagged[np.argsort(-probability[flagged], kind="stable")][:most]
    reasons = model.explain(test.take(flagged)).reasons() if flagged.size else []
    places = of_kind(SplitPlan, rows.plan).test.places(rows.features)
    return pa.table(
        {
            "row": pa.array(places[flagged], pa.int64()),
            "probability": probability[flagged],
            REASONS: pa.array(["; ".join(names) for names in reasons], pa.string()),
        }
    )
