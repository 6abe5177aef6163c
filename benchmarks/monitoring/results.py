"""What was measured, as plain numbers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from benchmarks.machine import Machine


class _Measured(BaseModel):
    model_config = ConfigDict(frozen=True)


class Alarms(_Measured):
    """So many windows of one kind, and how many of them were not called healthy."""

    model: str
    drift: str
    size: float
    rows: int
    windows: int
    alarms: int
    act: int
    """Those of the alarms that ask to act."""
    causes: dict[str, int]
    """How often each cause was named in an alarm."""
    actions: dict[str, int] = {}
    """Likewise each advice, where it was counted."""


class EstimateError(_Measured):
    """Estimates without labels against the truth of the same windows."""

    model: str
    drift: str
    trusted: int
    """Windows whose estimate called itself trustworthy, in full or with care."""
    inside: int
    """Those of them whose 95 % band of the ROC AUC held the true value."""
    width: float
    """Of those bands, the mean."""
    mean_error: float
    """Of their ROC AUC, the mean absolute distance from the truth."""


class Scale(_Measured):
    """From a log on the disk to the verdict, in a process of its own."""

    rows: int
    parts: int
    seconds: float
    peak_mb: float


class MonitoringResults(_Measured):
    """All of one call."""

    machine: Machine
    alarms: tuple[Alarms, ...]
    estimates: tuple[EstimateError, ...]
    scale: tuple[Scale, ...]
    spark: tuple[Scale, ...]
    """Likewise, the rows counted on Spark, here with two threads."""
    evidently: tuple[Scale, ...]
    """Evidently's drift preset on rows that are in memory already."""
    seconds: float
