"""The settings of fairness: the gaps between groups that the gate accepts, and what is done about them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fusionguard.config import FrozenConfig


class FairnessLimits(FrozenConfig):
    """The largest gaps between the groups of one attribute that the gate accepts; null where a gap is only reported."""

    selection_rate: float | None = Field(default=None, gt=0, le=1)
    """Gap of the shares of customers who get an offer."""
    true_positive_rate: float | None = Field(default=None, gt=0, le=1)
    """Gap of the shares of leaving customers who get an offer."""
    false_positive_rate: float | None = Field(default=None, gt=0, le=1)
    """Gap of the shares of staying customers who get an offer."""
    calibration: float | None = Field(default=None, gt=0, le=1)
    """Largest distance, among the groups, of the mean probability from the observed churn rate."""


class GenderLimits(FairnessLimits):
    """Between genders; what is left out has the limit given here."""

    true_positive_rate: float | None = Field(default=0.15, gt=0, le=1)
    false_positive_rate: float | None = Field(default=0.15, gt=0, le=1)
    calibration: float | None = Field(default=0.05, gt=0, le=1)


class AgeBandLimits(FairnessLimits):
    """Between bands of age."""

    calibration: float | None = Field(default=0.10, gt=0, le=1)


class GeographyLimits(FairnessLimits):
    """Between countries."""

    true_positive_rate: float | None = Field(default=0.25, gt=0, le=1)
    false_positive_rate: float | None = Field(default=0.35, gt=0, le=1)
    calibration: float | None = Field(default=0.05, gt=0, le=1)


class OtherLimits(FairnessLimits):
    """Between the groups of an attribute that is not named here."""

    calibration: float | None = Field(default=0.10, gt=0, le=1)


class FairnessConfig(FrozenConfig):
    """What the gate asks of the groups of each attribute of the data set."""

    gender: GenderLimits = GenderLimits()
    age_band: AgeBandLimits = AgeBandLimits()
    geography: GeographyLimits = GeographyLimits()
    limits: dict[str, FairnessLimits] = Field(default_factory=dict)
    """By the name of any other attribute; those that are left out are ``others``."""
    others: OtherLimits = OtherLimits()
    beyond_doubt: bool = True
    """Refuse only where a gap's 95 % interval lies above its limit as a whole; false refuses as soon as the gap itself does."""
    mitigation: Literal["none", "group_thresholds"] = "none"
    """``group_thresholds`` learns a threshold for each group of ``mitigated_attribute`` that evens out true-positive rates."""
    mitigated_attribute: str | None = None
    """An attribute of the data set; null for the first that a request tells."""
    minimum_group_rows: int = Field(default=30, ge=1)
    """Groups whose rate is a share of fewer customers are shown but not judged."""

    def limits_of(self, attribute: str) -> FairnessLimits:
        """Return the limits of the gaps between the groups of an attribute."""
        named: dict[str, FairnessLimits] = {name: getattr(self, name) for name in _LIMITED}
        return (named | self.limits).get(attribute, self.others)


_LIMITED = ("gender", "age_band", "geography")
ALWAYS_SAID = frozenset(
    {"beyond_doubt", "minimum_group_rows", *(f"{part}.{metric}" for part in _LIMITED for metric in FairnessLimits.model_fields)}
)
"""What every bundle says of them: those for attributes of other data sets came later."""
