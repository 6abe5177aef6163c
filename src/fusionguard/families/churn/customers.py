"""Customers with their outcome, their probability of leaving, their value and their groups: what every reading starts from."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusionguard.errors import DataError
from fusionguard.evaluation.scored import Flags, Floats, Integers

ATTRIBUTES: tuple[str, ...] = ("gender", "age_band", "geography")
"""What customers are grouped by."""


@dataclass(frozen=True)
class ScoredCustomers:
    """Customers scored by one model.

    Parameters
    ----------
    label
        (n,) int8, 1 for a customer who left.
    probability
        (n,) float64, the calibrated probability of leaving.
    score
        (n,) float64, what ranks the customers: calibrated log-odds.
    balance
        (n,) float64, in the data's currency.
    groups
        By attribute (``gender``, ``age_band``, ``geography``) an (n,) array of the groups' names.
    row_number
        (n,) int64, the place in the source, from 0: tells customers apart without saying who they are.

    Raises
    ------
    DataError
        Columns of different length, values that are not finite, a label that is not 0 or 1, a probability outside [0, 1].
    """

    label: NDArray[np.int8]
    probability: Floats
    score: Floats
    balance: Floats
    groups: dict[str, NDArray[np.str_]]
    row_number: Integers

    def __post_init__(self) -> None:
        numbers: dict[str, NDArray[Any]] = {
            field.name: getattr(self, field.name) for field in fields(self) if field.name != "groups"
        }
        shapes = {name: column.shape for name, column in (numbers | self.groups).items()}
        if len(set(shapes.values())) != 1 or self.label.ndim != 1:
            raise DataError(f"Scored customers need columns of one length, not {shapes}.", "Score one set of customers together.")
        for name, column in numbers.items():
            if not np.isfinite(column).all():
                raise DataError(f"Scored customers hold a '{name}' that is not a finite number.", "Check the input for gaps.")
        if not np.isin(self.label, (0, 1)).all():
            raise DataError("Scored customers hold a label that is not 0 or 1.", "Check how the rows were read.")
        if not ((self.probability >= 0) & (self.probability <= 1)).all():
            raise DataError("Scored customers hold a probability outside [0, 1].", "Check how the rows were scored.")

    @property
    def rows(self) -> int:
        """How many customers there are."""
        return int(self.label.shape[0])

    @property
    def churners(self) -> int:
        """How many of them left."""
        return int(np.count_nonzero(self.label))

    def take(self, chosen: Flags | Integers) -> ScoredCustomers:
        """Return the customers that ``chosen`` names, by flags (n,) or by positions."""
        columns = {field.name: getattr(self, field.name)[chosen] for field in fields(self) if field.name != "groups"}
        return ScoredCustomers(**columns, groups={name: names[chosen] for name, names in self.groups.items()})

    def scored_by(self, probability: Floats, score: Floats | None = None) -> ScoredCustomers:
        """Return the same customers as another model sees them; ``score`` is the probability unless it is given."""
        return replace(self, probability=probability, score=probability if score is None else score)
