"""What prequential validation found: readings by fold and their means, beside references, and what older models lose."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.bootstrap import Interval, PairedDifference
from fusionguard.evaluation.readings import AVERAGE_PRECISION

FILE = "prequential.json"
"""The file of a model's folder that holds the report."""

OWNER_PRECISION, RECALL, AMOUNT_RECALL = "owner_precision", "recall", "amount_recall"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ValidatedBy(_Part):
    """The protocol, in days, as it was declared or derived."""

    learned_days: int | None
    """Null for all that there are."""
    wait_days: int
    judged_days: int
    blocked_days: int | None
    """Null for all that there are."""
    checked: int
    """How many owners are looked at on a day."""
    by: str
    """What the owners are called."""


class FoldRows(_Part):
    """The rows of a fold. Days are counted from 1970, or from the first day of data that counts from a start."""

    learned_rows: int
    learned_positives: int
    made_day: int
    """The day at whose beginning its model is made, the first that it judges."""
    last_day: int
    judged_rows: int
    judged_positives: int
    owners: int
    positive_owners: int
    """Of whom one of the judged rows is positive."""
    blocked_rows: int
    """Rows of the judged days that are left out, for their owner was known."""


class FoldReport(_Part):
    """A fold's rows and each model's readings of them."""

    rows: FoldRows
    readings: dict[str, dict[str, Interval]]
    perfect: float
    """The owners' precision of a perfect ranking."""


class AmountBand(_Part):
    """Positive rows between two amounts, of all folds together: how many there are, and each model's recall of them."""

    low: float | None
    high: float | None
    positives: int
    recall: dict[str, Interval]


class OlderModels(_Part):
    """What models lose that are so many days older: made of what was known then, on the rows of some folds."""

    days: int
    folds: int
    """How many there are enough days for."""
    fresh: dict[str, Interval]
    older: dict[str, Interval]
    change: dict[str, PairedDifference]
    """Of the older ones against the fresh ones: below 0 where these are better."""


class PrequentialReport(_Part):
    """Everything that the folds said, the latest fold first."""

    simulated: bool
    protocol: ValidatedBy
    own: str
    """What readings call the family's own model."""
    metric_labels: dict[str, str]
    folds: tuple[FoldReport, ...]
    mean: dict[str, dict[str, Interval]]
    """By model, each metric's mean over the folds."""
    perfect: float
    """The owners' precision of a perfect ranking, in the mean."""
    gains: dict[str, dict[str, PairedDifference]]
    """The own model's readings over each reference's, on the same draws."""
    bands: tuple[AmountBand, ...]
    """By amount; empty where rows have none."""
    older: tuple[OlderModels, ...] = ()
    too_old_days: tuple[int, ...] = ()
    """How much earlier models were wanted, for which there are too few days in every fold."""
    shared_days: int
    """How many of the judged days hold rows of the test slice."""
    sampled: bool
    """Whether negative rows were left out of the table: fewer owners then compete for a place among those looked at."""
    bootstrap_samples: int
    seed: int

    def sentence(self) -> str:
        """Tell the readings of rankings in a line."""
        own, shown = self.mean[self.own], (AVERAGE_PRECISION, OWNER_PRECISION)
        told = ", ".join(f"{self.metric_labels[name]} {own[name].text()}" for name in shown if name in own)
        folds, days = len(self.folds), self.protocol.judged_days
        return f"{folds} fold{'' if folds == 1 else 's'} of {days} day{'' if days == 1 else 's'}: {told}"

    def to_json(self) -> str:
        """Return the report as JSON text, the same for the same readings."""
        return self.model_dump_json(indent=1) + "\n"
