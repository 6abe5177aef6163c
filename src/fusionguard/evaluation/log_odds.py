"""Log-odds and probabilities."""

from __future__ import annotations

import numpy as np

from fusionguard.evaluation.scored import Floats


def sigmoid(logit: Floats) -> Floats:
    """Return 1 / (1 + exp(-logit)) without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logit)))
