"""Every family works with its own models, plans and reports, and refuses another's."""

from __future__ import annotations

from typing import TypeVar

Kind = TypeVar("Kind")


def of_kind(kind: type[Kind], value: object) -> Kind:
    """Return a value that is of the kind that a family works with; raise :class:`TypeError` for another family's."""
    if not isinstance(value, kind):
        raise TypeError(f"This family takes a {kind.__name__}, not a {type(value).__name__}.")
    return value
