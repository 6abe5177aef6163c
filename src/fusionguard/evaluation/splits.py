"""The chronological split: four slices in order of time, each with one use."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.config import SplitConfig
from fusionguard.data.table import Table
from fusionguard.errors import DataError

SliceName = Literal["train", "validation", "calibration", "test"]
SLICE_USES: dict[SliceName, str] = {
    "train": "fitting",
    "validation": "early stopping and the bottleneck's size",
    "calibration": "fusion, calibration and the decision threshold",
    "test": "one final reading",
}


class Slice(BaseModel):
    """Rows ``[start, stop)`` of the feature table, what time they span and how many frauds they hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int
    stop: int
    first_second: int
    last_second: int
    frauds: int

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.stop - self.start


class SplitPlan(BaseModel):
    """Which rows of a time-ordered feature table belong to which slice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: Slice
    validation: Slice
    calibration: Slice
    test: Slice

    def slices(self) -> dict[SliceName, Slice]:
        """Return the four slices by name, in order of time."""
        return {"train": self.train, "validation": self.validation, "calibration": self.calibration, "test": self.test}


def plan_split(features: Table, config: SplitConfig) -> SplitPlan:
    """Cut a time-ordered feature table into four slices; rows of one second always stay in one slice.

    Raises
    ------
    DataError
        The rows are not in order of time, or a slice has no fraud or nothing but fraud.
    """
    columns = features.read(["time_seconds", "Class"])
    seconds = columns["time_seconds"].to_numpy()
    label = columns["Class"].to_numpy()
    if np.any(np.diff(seconds) < 0):
        raise DataError("The feature table is not in order of time.", "Build it again with `--no-cache`.")
    shares = np.cumsum([config.train, config.validation, config.calibration])
    wanted = np.round(shares * len(seconds)).astype(int)
    cuts = [0, *(int(np.searchsorted(seconds, seconds[min(row, len(seconds) - 1)], side="left")) for row in wanted), len(seconds)]
    return SplitPlan(**{name: _slice(name, seconds, label, *ends) for name, ends in zip(SLICE_USES, pairwise(cuts), strict=True)})


def _slice(name: str, seconds: np.ndarray, label: np.ndarray, start: int, stop: int) -> Slice:
    frauds = int(label[start:stop].sum())
    if frauds == 0 or frauds == stop - start:
        what = "no fraud" if frauds == 0 else "nothing but fraud"
        raise DataError(
            f"The {name} slice (rows {start:,} to {stop:,} in order of time) holds {what}.",
            "Give the run more rows, or other shares, such as --set split.calibration=0.15 --set split.train=0.55.",
        )
    return Slice(start=start, stop=stop, first_second=int(seconds[start]), last_second=int(seconds[stop - 1]), frauds=frauds)
