"""The mark of a fault, before it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fusionguard.monitoring.findings import Kind


@dataclass(frozen=True)
class Mark:
    """What was found of one kind of fault.

    Parameters
    ----------
    kind
        Which fault.
    columns
        The raw columns that it is about; empty where it is about whole rows.
    effect
        How large it is, in the unit of its limits.
    chance
        How often rows without the fault show as much.
    sentence
        What was found, in words.
    since
        When it began; None where nobody knows.
    asks_owner
        True where a real change could look the same.
    """

    kind: Kind
    columns: tuple[str, ...]
    effect: float
    chance: float
    sentence: str
    since: datetime | None
    asks_owner: bool = False
