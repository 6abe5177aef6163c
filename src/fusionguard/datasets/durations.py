"""Durations as people write them in a declaration: ``90s``, ``30m``, ``6h``, ``14d``, ``2w``."""

from __future__ import annotations

import re

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_WRITTEN = re.compile(r"([0-9]{1,9})([smhdw])")
EXAMPLES = "such as 90s, 30m, 6h, 14d or 2w"


def duration_seconds(text: str) -> int:
    """Return the seconds of a duration that is written as a whole number and a unit (s, m, h, d, w); ValueError otherwise."""
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(f"it must be a duration, {EXAMPLES}")
    return int(written[1]) * _UNIT_SECONDS[written[2]]
