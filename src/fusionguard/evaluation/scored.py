"""Rows with their outcome, their score and what they are worth: what every reading of a model starts from."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusionguard.errors import DataError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class ScoredRows:
    """Rows of one slice, scored by one model.

    Parameters
    ----------
    label
        (n,) int8 outcomes, 1 for a positive row.
    probability
        (n,) float64, the calibrated probability of the outcome 1 at the real prior.
    amount
        (n,) float64, what each costs if it is positive and nobody looks, in the data's currency.
    time_seconds
        (n,) int64, seconds, from whatever moment the data counts from; None where rows have no time.
    weight
        (n,) float64, how many real rows a row stands for; above 0.
    score
        (n,) float64, what ranks the rows: the same order as ``probability``, without its rounding to 0 and 1.
    owner
        (n,) int64, the number of whose a row is, where rows of one are alike; None where each is one of its own.

    Raises
    ------
    DataError
        Columns of different length, values that are not finite, a label that is not 0 or 1, a probability outside [0, 1].
    """

    label: NDArray[np.int8]
    probability: Floats
    amount: Floats
    time_seconds: Integers | None
    weight: Floats
    score: Floats
    owner: Integers | None = None

    def __post_init__(self) -> None:
        columns: dict[str, NDArray[Any]] = self._columns()
        lengths = {name: column.shape for name, column in columns.items()}
        if len(set(lengths.values())) != 1 or columns["label"].ndim != 1:
            raise DataError(f"Scored rows need columns of one length, not {lengths}.", "Score the rows of one slice together.")
        for name, column in columns.items():
            if not np.isfinite(column).all():
                raise DataError(f"Scored rows hold a '{name}' that is not a finite number.", "Check the model's input for gaps.")
        _require(bool(np.isin(self.label, (0, 1)).all()), "label", "0 or 1")
        _require(bool(((self.probability >= 0) & (self.probability <= 1)).all()), "probability", "in [0, 1]")
        _require(bool((self.weight > 0).all()), "weight", "above 0")

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.label.shape[0])

    @property
    def positives(self) -> int:
        """How many of them are positive."""
        return int(np.count_nonzero(self.label))

    @property
    def days(self) -> float | None:
        """The length of the slice in days, from its first to its last second, both included; None where rows have no time."""
        if self.time_seconds is None:
            return None
        if self.rows == 0:
            return 0.0
        return float(self.time_seconds.max() - self.time_seconds.min() + 1) / SECONDS_PER_DAY

    def take(self, chosen: Flags) -> ScoredRows:
        """Return the rows where ``chosen`` (n,) is true."""
        return replace(self, **{name: column[chosen] for name, column in self._columns().items()})

    def scored_by(self, probability: Floats, score: Floats | None = None) -> ScoredRows:
        """Return the same rows as another model sees them; ``score`` is the probability unless it is given."""
        return replace(self, probability=probability, score=probability if score is None else score)

    def _columns(self) -> dict[str, NDArray[Any]]:
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: column for name, column in columns.items() if column is not None}


def _require(holds: bool, column: str, valid: str) -> None:
    if not holds:
        raise DataError(f"Scored rows hold a '{column}' that is not {valid}.", "Check how the rows were scored.")
