"""The kinds of drift that traffic can have, and their usual sizes."""

from __future__ import annotations

import math
from enum import StrEnum


class Drift(StrEnum):
    """What happens to the rows; ``size`` says how much of it."""

    NONE = "none"
    COVARIATE_SHIFT = "covariate-shift"
    """Other rows come, and the outcome follows from them as before. Size: how many deviations one feature's mean moves."""
    HEAVIER_TAIL = "heavier-tail"
    """Large amounts become larger. Size: the factor by which what exceeds the median is stretched."""
    NEW_PATTERN = "new-pattern"
    """Rows have other outcomes (concept drift): frauds look legitimate, loyal customers leave. Size: the share of rows."""
    MISSING_FEATURE = "missing-feature"
    """A source fails and a field is filled with 0. Size: the share of rows."""
    UNIT_ERROR = "unit-error"
    """An amount comes in another unit: cents, or a salary by the month. Size: the factor."""
    LABEL_DELAY = "label-delay"
    """Outcomes of the latest rows are not known yet. Size: the share of rows."""
    OTHER_MIX = "other-mix"
    """More rows of one kind come, as they always were: of the night, or of Germany. Size: their share."""
    LARGER_AMOUNTS = "larger-amounts"
    """Rows of larger amounts come, and what goes with them. Size: how many deviations the amount's mean moves."""
    FROZEN_FEATURE = "frozen-feature"
    """A field hangs at one value that it has had. Size: the share of rows."""
    SPIKE = "spike"
    """A source writes one value where it knows none. Size: the share of rows."""
    SWAPPED_FEATURES = "swapped-features"
    """Two fields change places. Size: the share of rows."""
    ROUNDED_FEATURE = "rounded-feature"
    """A field comes rounded. Size: the step it is rounded to."""
    CONSTANT_SHIFT = "constant-shift"
    """A constant is added to one field while all others stay. Size: how many of its deviations."""
    FACTOR = "factor"
    """One field is multiplied while all others stay. Size: the factor."""
    BURST = "burst"
    """One row is sent again and again, with small differences, at the onset. Size: the share of rows."""
    ABSENT_HOURS = "absent-hours"
    """Rows of some hours of the day, from 01 on, do not come any more. Size: how many hours."""


DEFAULT_SIZES: dict[str, dict[Drift, float]] = {
    "fraud": {
        Drift.NONE: 0.0,
        Drift.COVARIATE_SHIFT: 0.5,
        Drift.HEAVIER_TAIL: 3.0,
        Drift.NEW_PATTERN: 0.005,
        Drift.MISSING_FEATURE: 1.0,
        Drift.UNIT_ERROR: 100.0,
        Drift.LABEL_DELAY: 0.5,
        Drift.OTHER_MIX: 0.3,
        Drift.LARGER_AMOUNTS: 0.5,
        Drift.FROZEN_FEATURE: 0.6,
        Drift.SPIKE: 0.1,
        Drift.SWAPPED_FEATURES: 1.0,
        Drift.ROUNDED_FEATURE: 1.0,
        Drift.CONSTANT_SHIFT: 0.3,
        Drift.FACTOR: 1.3,
        Drift.BURST: 0.05,
        Drift.ABSENT_HOURS: 4.0,
    },
    "churn": {
        Drift.NONE: 0.0,
        Drift.COVARIATE_SHIFT: 0.5,
        Drift.HEAVIER_TAIL: 2.0,
        Drift.NEW_PATTERN: 0.15,
        Drift.MISSING_FEATURE: 1.0,
        Drift.UNIT_ERROR: 1 / 12,
        Drift.LABEL_DELAY: 0.5,
        Drift.OTHER_MIX: 0.6,
        Drift.LARGER_AMOUNTS: 0.5,
        Drift.FROZEN_FEATURE: 1.0,
        Drift.SPIKE: 0.3,
        Drift.SWAPPED_FEATURES: 1.0,
        Drift.ROUNDED_FEATURE: 1000.0,
        Drift.CONSTANT_SHIFT: 0.5,
        Drift.FACTOR: 0.75,
        Drift.BURST: 0.1,
        Drift.ABSENT_HOURS: 4.0,
    },
}

MOST_DEVIATIONS = 2.0
"""A mean cannot move further by choosing among rows that exist."""

CHOSEN = frozenset({Drift.COVARIATE_SHIFT, Drift.OTHER_MIX, Drift.LARGER_AMOUNTS, Drift.ABSENT_HOURS})
"""Kinds that choose among rows that exist, of which there must be more than are asked for."""

_SHARES = frozenset(
    {
        Drift.NEW_PATTERN,
        Drift.MISSING_FEATURE,
        Drift.LABEL_DELAY,
        Drift.OTHER_MIX,
        Drift.FROZEN_FEATURE,
        Drift.SPIKE,
        Drift.SWAPPED_FEATURES,
        Drift.BURST,
    }
)


def largest_size(drift: Drift) -> float:
    """Return the largest size that a drift can have: a share is at most 1, and a day has twelve hours to spare."""
    if drift in _SHARES:
        return 1.0
    if drift in (Drift.COVARIATE_SHIFT, Drift.LARGER_AMOUNTS):
        return MOST_DEVIATIONS
    return 12.0 if drift is Drift.ABSENT_HOURS else math.inf
