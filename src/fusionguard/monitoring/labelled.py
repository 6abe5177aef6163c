"""Logged rows whose outcome is known, and how long their outcomes took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from fusionguard.errors import DataError
from fusionguard.evaluation.scored import SECONDS_PER_DAY, Floats
from fusionguard.families.family import LABEL, TIME
from fusionguard.serving.prediction_log.schema import OBSERVED_AT

_MICROS_PER_DAY = SECONDS_PER_DAY * 1_000_000


class LabelCoverage(BaseModel):
    """How many of a window's rows have an outcome."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    labelled: int
    """With a label, or taken as negative because none came in time."""
    presumed_negative: int
    positives: int
    median_delay_days: float | None
    """From the score to the label, among those that have one."""

    @property
    def share(self) -> float:
        """Of all rows, those with an outcome, in [0, 1]."""
        return self.labelled / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class LabelledRows:
    """Rows with an outcome.

    Parameters
    ----------
    table
        The log's columns; ``label`` has no gaps.
    delay_days
        (n,) float64, from the score to the label; infinite where a negative is presumed.
    coverage
        Of the window they come from.
    """

    table: pa.Table
    delay_days: Floats
    coverage: LabelCoverage


def labelled_rows(log: pa.Table, *, negative_after_days: float | None = None, until_micros: int | None = None) -> LabelledRows:
    """Pick the rows of a log window whose outcome is known.

    Parameters
    ----------
    log
        Rows of the prediction log with ``time``, ``label`` and ``label_observed_at``.
    negative_after_days
        Where only positives are ever reported, as chargebacks are: rows without a label that are as old as this count as
        negative, and younger rows are left out whatever their label, for among them early labels are positives alone. None
        where every row gets a label.
    until_micros
        The time that age counts to, in microseconds since 1970; the latest time in the log where None.

    Raises
    ------
    DataError
        A column is missing.
    """
    absent = [name for name in (TIME, LABEL, OBSERVED_AT) if name not in log.column_names]
    if absent:
        raise DataError(f"The window lacks the columns {', '.join(absent)}.", "Read it with its labels.")
    time = pc.cast(log[TIME], pa.int64()).to_numpy()
    known = pc.is_valid(log[LABEL]).to_numpy()
    delay = (pc.fill_null(pc.cast(log[OBSERVED_AT], pa.int64()), 0).to_numpy() - time) / _MICROS_PER_DAY
    delay = np.where(known, np.maximum(delay, 0.0), np.inf)
    taken, presumed = known, np.zeros(log.num_rows, dtype=np.bool_)
    if negative_after_days is not None and log.num_rows:
        end = int(time.max()) if until_micros is None else until_micros
        taken = (end - time) / _MICROS_PER_DAY >= negative_after_days
        presumed = taken & ~known
    label = pc.fill_null(log[LABEL], 0).to_numpy().astype(np.int8)
    chosen = log.filter(pa.array(taken)).set_column(log.column_names.index(LABEL), LABEL, pa.array(label[taken]))
    coverage = LabelCoverage(
        rows=log.num_rows,
        labelled=int(taken.sum()),
        presumed_negative=int(presumed.sum()),
        positives=int(label[taken].sum()),
        median_delay_days=float(np.median(delay[known])) if known.any() else None,
    )
    return LabelledRows(chosen, delay[taken], coverage)
