"""Customers with their outcome, their probability of leaving, their value and their groups: what every reading starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusionguard.errors import DataError
from fusionguard.evaluation.scored import Flags, Floats, Integers


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
        (n,) float64, the amount that a customer's value grows with, in the data's currency; 0 where there is none.
    groups
        By attribute, such as ``gender``, an (n,) array of the groups' names.
    row_number
        (n,) int64, the place in the source, from 0: tells customers apart without saying who they are.
    order
        By attribute, groups in the order in which people read them; others come behind, by name.

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
    order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers: dict[str, NDArray[Any]] = {
            each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("groups", "order")
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
        columns = {each.name: getattr(self, each.name)[chosen] for each in fields(self) if each.name not in ("groups", "order")}
        groups = {name: names[chosen] for name, names in self.groups.items()}
        return ScoredCustomers(**columns, groups=groups, order=self.order)

    def groups_of(self, attribute: str) -> tuple[str, ...]:
        """Return the groups of an attribute that have customers, in the order in which people read them."""
        found = {str(name) for name in np.unique(self.groups[attribute])}
        listed = [name for name in self.order.get(attribute, ()) if name in found]
        return (*listed, *sorted(found - set(listed)))

    def scored_by(self, probability: Floats, score: Floats | None = None) -> ScoredCustomers:
        """Return the same customers as another model sees them; ``score`` is the probability unless it is given."""
        return replace(self, probability=probability, score=probability if score is None else score)
