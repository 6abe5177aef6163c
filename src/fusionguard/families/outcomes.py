"""How a family reads logged rows whose outcome is known, for those who watch its models in service."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.report import Report
from fusionguard.evaluation.scored import Flags, Integers
from fusionguard.families.family import OWNER
from fusionguard.families.scoring_model import ScoringModel

BOOTSTRAP_SAMPLES = 200
"""Draws of each interval: a window is read in seconds."""

NOT_SAID = Interval(reason="the model's bundle does not say by which settings it was evaluated")
"""In place of a metric whose definition is unknown."""

TRAIN_AGAIN = "the bundle does not hold the settings of its evaluation; train the model again to have it judged"

MetricReader = Callable[[Flags], Mapping[str, Interval]]
"""Reads all metrics, with intervals, on the rows where the flags (n,) are true."""


@dataclass(frozen=True)
class Gap:
    """How far groups of one attribute are apart in a metric; ``name`` says what of, ``broken`` whether the gate refuses it."""

    attribute: str
    metric: str
    name: str
    value: Interval
    broken: bool


@dataclass(frozen=True)
class OutcomeReading:
    """What a family reads of rows whose outcome is known.

    Parameters
    ----------
    metrics
        Reads the metrics of the training on some of the rows, by the settings that the model's bundle holds.
    gaps
        Between groups of rows; none where there are no groups, too few rows, or no limits are known.
    fairness
        All that was read for the gaps, as JSON has it; None without any.
    unjudged
        What the bundle does not hold the settings of, in sentences.
    """

    metrics: MetricReader
    gaps: Sequence[Gap] = ()
    fairness: dict[str, Any] | None = None
    unjudged: tuple[str, ...] = ()


class Outcomes(ABC):
    """A family's readings of outcomes."""

    judged: ClassVar[Mapping[str, int]]
    """The metrics that a window is judged by, with the sign of what is better. Not among them: the expected calibration error,
    which noise alone raises in small windows; and money, which rests on a few large amounts: its bootstrap intervals are too
    narrow, and savings raised a false alarm in one of ten simulated windows."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns of logged rows that :meth:`read` needs besides label, time, score and probability."""

    @abstractmethod
    def digits(self, metric: str) -> int:
        """Return how many decimals a metric is worth printing with."""

    @abstractmethod
    def read(self, rows: pa.Table, model: ScoringModel, *, seed: int) -> OutcomeReading:
        """Read labelled rows, none of whose labels is missing; ``seed`` says where draws start."""

    @abstractmethod
    def reliability(self, report: Report) -> list[tuple[float, float, float]]:
        """Return of each bin of an evaluation its probability, its rows at the real prior, and its positives."""

    def gaps(self, report: Report) -> tuple[Gap, ...]:
        """Return the gaps between groups that an evaluation read; none where there are no groups."""
        return ()


def logged_owners(rows: pa.Table) -> Integers | None:
    """Return (n,) the numbers of whose logged rows are, where the log says so: rows of one owner count as one case.

    A row of which nobody knows that is one of its own. None where no row says it.
    """
    if OWNER not in rows.column_names or rows[OWNER].null_count == rows.num_rows:
        return None
    owners = np.unique(pc.fill_null(rows[OWNER], 0).to_numpy(), return_inverse=True)[1]
    return np.where(pc.is_valid(rows[OWNER]).to_numpy(), owners, -1 - np.arange(rows.num_rows))
