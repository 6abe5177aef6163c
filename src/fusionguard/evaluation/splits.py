"""The chronological split: four slices in order of time, each with one use."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from fusionguard.config import SplitConfig
from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.metrics import Labels
from fusionguard.evaluation.scored import Integers

SliceName = Literal["train", "validation", "calibration", "test"]
SLICE_USES: dict[SliceName, str] = {
    "train": "fitting",
    "validation": "the bottleneck's size, and early stopping where it is asked for",
    "calibration": "fusion, calibration and the decision threshold",
    "test": "one final reading",
}


ENOUGH_FRAUDS = 5
"""Each slice has so many frauds at least, where there are so many: the shares of the rows give way to that."""


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

    def read_test(self, features: Table, columns: Sequence[str], label: str) -> pa.Table:
        """Read columns of the test slice, the column ``label`` of outcomes last, in the order of the table."""
        return features.read([*columns, label], self.test.start, self.test.stop)

    def unseen_places(self, label: Labels) -> Integers:
        """Return no place: the test slice holds some hours only, and what hours do to scores is more than what fitting does.

        Of simulated transactions, the last fifth is flagged half as often as the whole, fitted rows a sixth more often than new
        ones.
        """
        return np.arange(0)


def plan_split(features: Table, config: SplitConfig) -> SplitPlan:
    """Cut a time-ordered feature table into four slices; rows of one second always stay in one slice.

    The cuts lie where the shares of the rows say. Where that leaves a slice with fewer than ``ENOUGH_FRAUDS``, they move, as
    little as is needed for that many in each; where there are not so many, for as many as go into each.

    Raises
    ------
    DataError
        The rows are not in order of time, or there are too few frauds for one in each slice.
    """
    columns = features.read(["time_seconds", "Class"])
    seconds = columns["time_seconds"].to_numpy()
    label = columns["Class"].to_numpy()
    if np.any(np.diff(seconds) < 0):
        raise DataError("The feature table is not in order of time.", "Build it again with `--no-cache`.")
    shares = np.cumsum([config.train, config.validation, config.calibration])
    inner = _cuts(seconds, label, np.round(shares * len(seconds)).astype(np.int64))
    cuts = [0, *inner, len(seconds)]
    return SplitPlan(**{name: _slice(seconds, label, *ends) for name, ends in zip(SLICE_USES, pairwise(cuts), strict=True)})


def _cuts(seconds: Integers, label: Integers, wanted: Integers) -> list[int]:
    """Return the first row of each slice but the first, as near to ``wanted`` as the frauds allow."""
    total = int(label.sum())
    # Cuts are made between two seconds, in which rows have no order.
    borders = np.concatenate([[0], np.flatnonzero(np.diff(seconds)) + 1, [len(seconds)]])
    frauds = np.concatenate([[0], np.cumsum(label)])[borders]
    nearest = np.searchsorted(borders, wanted, side="right") - 1
    for least in range(min(ENOUGH_FRAUDS, total // len(SLICE_USES)), 0, -1):
        places = _places(frauds, borders - frauds, nearest, least)
        if places is not None:
            return [int(borders[place]) for place in places]
    raise DataError(
        f"The {len(seconds):,} rows hold {total} frauds, too few or too close in time for one among other rows in each of the"
        f" {len(SLICE_USES)} slices ({', '.join(SLICE_USES)}).",
        "Train on rows with more frauds, or on simulated ones: `--source simulated --set data.rows=20000` has enough.",
    )


def _places(frauds: Integers, others: Integers, nearest: Integers, least: int) -> list[int] | None:
    """Return the borders to cut at, so that each slice has ``least`` frauds and one other row; None where there are none.

    ``frauds`` and ``others`` count the rows before each border. Going back from the end finds the latest border for each cut that
    leaves enough behind it; going forward then takes the nearest one that leaves enough before it.
    """
    latest = [len(frauds) - 1]
    for _ in nearest:
        behind = (frauds[latest[0]] - frauds >= least) & (others[latest[0]] - others >= 1)
        if not behind.any():
            return None
        latest.insert(0, int(np.flatnonzero(behind)[-1]))
    places = [0]
    for wanted, last in zip(nearest, latest[:-1], strict=True):
        before = np.flatnonzero((frauds - frauds[places[-1]] >= least) & (others - others[places[-1]] >= 1))
        if not before.size or before[0] > last:
            return None
        places.append(int(np.clip(wanted, before[0], last)))
    return places[1:]


def _slice(seconds: Integers, label: Integers, start: int, stop: int) -> Slice:
    first, last = int(seconds[start]), int(seconds[stop - 1])
    return Slice(start=start, stop=stop, first_second=first, last_second=last, frauds=int(label[start:stop].sum()))
