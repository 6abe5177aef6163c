"""When a change counts: the limits of every finding, and how much chance alone may do."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class MonitoringThresholds(BaseModel):
    """Limits that findings are held against.

    A finding needs both: an effect beyond its limit, and a chance below ``chance`` that windows without drift show as much.
    The first keeps large windows quiet about changes that do not matter, the second small windows about noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    chance: float = Field(default=0.01, gt=0, lt=0.5)
    """How often one family of checks (columns, segments, scores, the classifier, outcomes) may find something in a window
    without drift, however many checks it has. The five together do in at most 1 window in 20; faults of columns, a family of
    their own, in a tenth of this."""
    minimum_rows: int = Field(default=200, ge=20)
    """Windows, segments and days of fewer rows are not judged."""
    psi_watch: float = Field(default=0.1, gt=0)
    psi_act: float = Field(default=0.2, gt=0)
    """Of the population stability index less what sampling alone is expected to give."""
    ks_watch: float = Field(default=0.1, gt=0, lt=1)
    ks_act: float = Field(default=0.25, gt=0, lt=1)
    """Of the largest distance between two distribution functions."""
    tail_watch: float = Field(default=2.0, gt=1)
    tail_act: float = Field(default=4.0, gt=1)
    """How many times as many rows lie beyond the reference's first or last percentile as should."""
    missing_watch: float = Field(default=0.005, gt=0, lt=1)
    missing_act: float = Field(default=0.02, gt=0, lt=1)
    """Rise of the share of rows without a value."""
    new_category_watch: float = Field(default=0.001, gt=0, lt=1)
    new_category_act: float = Field(default=0.01, gt=0, lt=1)
    """Share of rows with a value the model has never seen."""
    out_of_range_watch: float = Field(default=0.001, gt=0, lt=1)
    out_of_range_act: float = Field(default=0.01, gt=0, lt=1)
    """Share of rows below the reference's lowest or above its highest value."""
    miscoded_act: float = Field(default=0.01, gt=0, lt=1)
    """Share of the log loss that exchanging two values of a feature would save: the mark of codes that were swapped."""
    scale_act: float = Field(default=5.0, gt=1)
    """Factor by which all quantiles of a column have grown or shrunk alike: the mark of a changed unit."""
    spike_watch: float = Field(default=0.02, gt=0, lt=1)
    spike_act: float = Field(default=0.05, gt=0, lt=1)
    """Share of rows that hold one value and would have another, were the column not frozen or filled."""
    displaced_watch: float = Field(default=0.05, gt=0, lt=1)
    displaced_act: float = Field(default=0.1, gt=0, lt=1)
    """Distance of the distribution functions, before and since all values of a column moved by a constant or a factor."""
    rounding_watch: float = Field(default=0.1, gt=0, lt=1)
    rounding_act: float = Field(default=0.25, gt=0, lt=1)
    """Share of values that come in coarser, or in finer, steps than they did."""
    swap_watch: float = Field(default=0.05, gt=0, lt=1)
    swap_act: float = Field(default=0.1, gt=0, lt=1)
    """Share of rows in which two columns have changed places."""
    burst_watch: float = Field(default=0.01, gt=0, lt=1)
    burst_act: float = Field(default=0.02, gt=0, lt=1)
    """Share of the window's rows that are nearly the same and came within an hour."""
    absent_hours_watch: float = Field(default=0.005, gt=0, lt=1)
    absent_hours_act: float = Field(default=0.02, gt=0, lt=1)
    """Share of rows that should have come in hours of the day that are absent."""
    skew_watch: float = Field(default=1e-6, gt=0, lt=1)
    skew_act: float = Field(default=0.01, gt=0, lt=1)
    """Share of recomputed rows in which a feature is not what the history makes of it: none should be."""
    alert_rate_watch: float = Field(default=0.25, gt=0)
    alert_rate_act: float = Field(default=0.5, gt=0)
    """Change of the share of flagged rows, relative to the reference's."""
    classifier_watch: float = Field(default=0.6, gt=0.5, lt=1)
    classifier_act: float = Field(default=0.7, gt=0.5, lt=1)
    """ROC AUC of a classifier that tells the window's rows from the reference's."""
    kpi_delta: float = Field(default=0.02, gt=0, lt=1)
    """By how much a metric may worsen: 2 percentage points. Beyond that with its whole interval, it asks to act."""
    calibration_watch: float = Field(default=0.2, gt=0)
    calibration_act: float = Field(default=0.5, gt=0)
    """Relative distance of observed from expected positives: 0.2 is 20 % more, or as many times fewer."""
    minimum_positives: int = Field(default=20, ge=5)
    """Metrics and estimates that rest on fewer positives, of as many owners where these are known, are shown, not judged, and not
    trusted."""

    @model_validator(mode="after")
    def _ordered(self) -> MonitoringThresholds:
        for name in type(self).model_fields:
            if name.endswith("_watch") and getattr(self, name) > getattr(self, f"{name.removesuffix('_watch')}_act"):
                raise ValueError(f"{name} must not exceed {name.removesuffix('_watch')}_act")
        return self


def limit_name(kind: str) -> str:
    """Return the name that a check's limits have, as in ``psi_watch``: the PSI of categories has that of numbers."""
    return "psi" if kind == "categories" else kind
