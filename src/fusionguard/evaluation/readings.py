"""What every family calls its common metrics, and how one value, or the reason why there is none, is read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fusionguard.evaluation.bootstrap import Interval, Reader
from fusionguard.evaluation.metrics import UndefinedMetricError
from fusionguard.evaluation.scored import Floats
from fusionguard.proportions import wilson_interval

AVERAGE_PRECISION = "average_precision"
ROC_AUC = "roc_auc"
CALIBRATION_ERROR = "expected_calibration_error"
BRIER = "brier"

COMMON_LABELS: dict[str, str] = {
    AVERAGE_PRECISION: "average precision",
    ROC_AUC: "ROC AUC",
    CALIBRATION_ERROR: "expected calibration error",
    BRIER: "Brier score",
}
"""Names for people of the metrics that every family reads."""


def read_value(read: Callable[[], float]) -> Interval:
    """Read one value without an interval, or the reason why it has none."""
    try:
        return Interval(value=read())
    except UndefinedMetricError as error:
        return Interval(reason=error.what)


def mean_reader(values: Floats) -> Reader:
    """Return what reads the weighted mean of ``values`` (n,)."""
    return lambda weight: float(np.sum(weight * values) / np.sum(weight))


def share_reading(part: int, whole: int, reason: str) -> Interval:
    """Read a share with its 95 % interval (Wilson 1927), or the ``reason`` why there is none where ``whole`` is 0."""
    if whole == 0:
        return Interval(reason=reason)
    low, high = wilson_interval(part, whole)
    return Interval(value=part / whole, low=low, high=high)
