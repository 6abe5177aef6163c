"""Payments as the simulator has them: columns of whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from fusionguard.datasets.card_transactions.population import Flags, Integers

ENTRIES = ("chip", "contactless", "stripe", "online")
"""How a card is read; an entry's number is its place here."""
CHIP, CONTACTLESS, STRIPE, ONLINE = range(4)
HONEST = -1
"""What stands for the kind of a payment that is no fraud."""
NEVER = -1
"""What stands for the second of a report that nobody makes."""
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class Payments:
    """Payments (n,).

    Parameters
    ----------
    second
        Since midnight of the first day.
    cents
        Of the amount; negative where it is given back.
    kind, case
        Of a fraud the number of its kind, and of its case among those of the kind; :data:`HONEST` else.
    reported
        The second in which it is reported; :data:`NEVER` where it is not.
    """

    second: Integers
    card: Integers
    merchant: Integers
    terminal: Integers
    entry: Integers
    cents: Integers
    kind: Integers
    case: Integers
    reported: Integers

    def __len__(self) -> int:
        return len(self.second)

    def __getitem__(self, chosen: Flags | Integers | slice) -> Payments:
        return Payments(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def in_order(self) -> Payments:
        """Return them in order of time; those of one second stay as they are."""
        return self[np.argsort(self.second, kind="stable")]

    @classmethod
    def together(cls, parts: Sequence[Payments]) -> Payments:
        """Return all of several, one after the other."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    @classmethod
    def honest(
        cls, second: Integers, card: Integers, merchant: Integers, terminal: Integers, entry: Integers, cents: Integers
    ) -> Payments:
        """Return payments that are no fraud."""
        nothing = np.full(len(second), HONEST)
        return cls(second, card, merchant, terminal, entry, cents, nothing, nothing, np.full(len(second), NEVER))
