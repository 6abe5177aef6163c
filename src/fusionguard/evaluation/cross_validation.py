"""What several models reached in repeated cross-validation, and which of them was chosen."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.bootstrap import Interval


class CrossValidation(BaseModel):
    """What the models reached on rows that they were not fitted on, within the development part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folds: int
    repeats: int
    rows: int
    models: dict[str, dict[str, Interval]]
    """By model, the mean of each metric over ``folds * repeats`` folds with its 95 % interval; the interval of the calibration
    error is the lowest and the highest repeat."""
    chosen: str
    """Which of the candidates the bundle uses."""
    reason: str
    gains: dict[str, dict[str, Interval]]
    """By model, how much higher ``chosen`` is than it on the same folds: ROC AUC and average precision."""
