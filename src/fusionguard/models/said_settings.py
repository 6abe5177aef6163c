"""The settings that a model was made and evaluated with, where its bundle says them: a default would be another model's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from fusionguard.models.bundle import Bundle

Settings = TypeVar("Settings", bound=BaseModel)


def said_settings(bundle: Bundle, part: str, kind: type[Settings], *, needed: frozenset[str] | None = None) -> Settings | None:
    """Return a part of the settings that a bundle holds, or None where it does not say all of them.

    A setting of null is said, too.

    Parameters
    ----------
    part, kind
        What the part is called in ``manifest.config``, and its type.
    needed
        Those of its settings that must be said; all of them where None.
    """
    try:
        found = kind.model_validate(bundle.manifest.config.get(part))
    except ValidationError:  # of a version that had other settings; the caller says what it does without them
        return None
    missing = set(_left_out(found))
    return None if (missing if needed is None else missing & needed) else found


def _left_out(settings: BaseModel, prefix: str = "") -> Iterator[str]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if name not in settings.model_fields_set:
            yield prefix + name
        elif isinstance(value, BaseModel):
            yield from _left_out(value, f"{prefix}{name}.")
