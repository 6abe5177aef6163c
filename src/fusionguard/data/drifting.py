"""What can happen to the rows of a data set: the kinds of drift there are, and where in its columns each of them shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    Choice = Callable[[pd.DataFrame], pd.Series]


class Drift(StrEnum):
    """What happens to the rows; ``size`` says how much of it."""

    NONE = "none"
    COVARIATE_SHIFT = "covariate-shift"
    """Other rows come, and the outcome follows from them as before. Size: how many deviations one feature's mean moves."""
    HEAVIER_TAIL = "heavier-tail"
    """Large amounts become larger. Size: the factor by which what exceeds the median is stretched."""
    NEW_PATTERN = "new-pattern"
    """Rows have other outcomes (concept drift): those of one outcome look like those of the other. Size: the share of rows."""
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


@dataclass(frozen=True)
class Drifting:
    """Where drifts show in a data set's raw columns.

    Parameters
    ----------
    shifted, amount
        Whose means rise where other rows come: any number, and an amount.
    stretched
        The column of money that is stretched, multiplied, or comes in another unit.
    missing, frozen, spiked, rounded, displaced
        Columns that break in these ways.
    swapped
        Two columns that change places.
    money
        The columns of amounts: whole cents, within the features' limits.
    wanted
        Tells of each row whether it is of the kind of which more come.
    safe
        Tells of each row whether a model would hold it for safe, whatever its outcome.
    sizes
        How much of each drift is usual.
    """

    shifted: str
    amount: str
    stretched: str
    missing: str
    frozen: str
    spiked: str
    rounded: str
    displaced: str
    swapped: tuple[str, str]
    money: frozenset[str]
    wanted: Choice
    safe: Choice
    sizes: Mapping[Drift, float]
