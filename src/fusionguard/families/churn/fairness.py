"""Whether offers and probabilities treat the groups of customers alike: fairlearn's metrics, how sure they are, and limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.errors import DataError
from fusionguard.evaluation.bootstrap import Interval, percentile_interval
from fusionguard.evaluation.scored import Flags, Integers
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.fairness_config import FairnessConfig
from fusionguard.families.churn.gaps import largest_difference, largest_distance
from fusionguard.families.churn.group_tally import (
    CALIBRATION,
    FALSE_POSITIVE_RATE,
    SELECTION_RATE,
    TRUE_POSITIVE_RATE,
    GroupTally,
    tally_groups,
)
from fusionguard.proportions import wilson_interval

METRIC_NAMES: dict[str, str] = {
    SELECTION_RATE: "share of customers who get an offer (selection rate)",
    TRUE_POSITIVE_RATE: "share of leavers who get an offer (true-positive rate)",
    FALSE_POSITIVE_RATE: "share of stayers who get an offer (false-positive rate)",
    CALIBRATION: "distance of the mean probability from the churn rate (calibration)",
}
"""What a gap is a gap of, in words, in reading order."""

_OF_WHOM = {SELECTION_RATE: "customers", TRUE_POSITIVE_RATE: "leavers", FALSE_POSITIVE_RATE: "stayers", CALIBRATION: "customers"}


class GroupReading(BaseModel):
    """What one group of customers gets. A rate has Wilson's 95 % interval, which holds for small groups too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attribute: str
    group: str
    rows: int
    churners: int
    selection_rate: Interval
    true_positive_rate: Interval
    false_positive_rate: Interval
    mean_probability: float
    churn_rate: float
    calibration_gap: Interval
    """Mean probability less churn rate, with its bootstrap interval: above 0 where the model expects too many to leave."""


class GapReading(BaseModel):
    """How far the groups of one attribute are apart in one metric, against its limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attribute: str
    metric: str
    """A key of ``METRIC_NAMES``."""
    value: Interval
    """The largest gap and its 95 % interval, or why there is none."""
    limit: float | None
    verdict: Literal["reported", "within", "watch", "broken"]
    """``reported`` where there is no limit or nothing to hold against it; ``watch`` where the gap is above its limit but may be
    so by chance, and the config asks for more than that."""
    groups: tuple[str, ...]
    """The two groups furthest apart, highest first; for calibration, the group furthest off."""

    def sentence(self) -> str:
        """Say in one sentence what was found."""
        attribute, name = self.attribute.replace("_", " "), METRIC_NAMES[self.metric]
        if self.value.value is None:
            asked = "" if self.limit is None else f", so its limit of {self.limit:.3f} was not checked"
            return f"By {attribute}, the {name} cannot be compared: {self.value.reason}{asked}."
        if self.metric == CALIBRATION:
            found = f"By {attribute}, the {name} is largest for '{self.groups[0]}': {self.value.text()}"
        else:
            found = f"By {attribute}, the {name} is highest for '{self.groups[0]}' and lowest for '{self.groups[1]}'"
            found += f", {self.value.text()} apart"
        return f"{found}{self._against_limit()}."

    def _against_limit(self) -> str:
        if self.limit is None:
            return ""
        limit = f"the limit of {self.limit:.3f}"
        if self.verdict == "within":
            return f", within {limit}"
        beyond = self.value.low is not None and self.value.low > self.limit
        doubt = f", which breaks {limit} beyond doubt" if beyond else f", above {limit}, though chance alone may do that"
        return doubt if self.verdict == "broken" else f"{doubt}: to be watched"


class FairnessReport(BaseModel):
    """Every group's reading and every gap, attribute by attribute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[GroupReading, ...]
    gaps: tuple[GapReading, ...]
    bootstrap_samples: int
    seed: int

    @property
    def broken(self) -> tuple[GapReading, ...]:
        """The gaps for which the gate refuses the model."""
        return tuple(gap for gap in self.gaps if gap.verdict == "broken")

    def gap(self, attribute: str, metric: str) -> GapReading:
        """Return one gap; raise :class:`DataError` where there is no such reading."""
        for gap in self.gaps:
            if (gap.attribute, gap.metric) == (attribute, metric):
                return gap
        raise DataError(f"There is no reading of '{metric}' by '{attribute}'.", f"Metrics: {', '.join(METRIC_NAMES)}.")

    def sentences(self) -> list[str]:
        """Say what needs a reader's eye: broken limits first, then gaps to watch, then limits that could not be checked."""
        unchecked = [gap for gap in self.gaps if gap.verdict == "reported" and gap.limit is not None]
        watched = [gap for gap in self.gaps if gap.verdict == "watch"]
        return [gap.sentence() for gap in (*self.broken, *watched, *unchecked)]


def read_fairness(
    customers: ScoredCustomers, offered: Flags, config: FairnessConfig, *, samples: int, seed: int
) -> FairnessReport:
    """Read how offers and probabilities differ between the groups of every attribute.

    A gap is the largest difference between any two groups, as fairlearn's ``MetricFrame`` reads it, and so biased upwards: noise
    adds to it and never takes away. Its interval allows for that (:mod:`~fusionguard.families.churn.gaps`); with
    ``config.beyond_doubt`` a limit counts as broken only where the whole interval lies above it. Each interval stands for
    itself: of many limits that are just kept, one in forty is found broken by chance.

    A group is judged where the metric is a share of at least ``config.minimum_group_rows`` of its customers, leavers for the
    true-positive rate and stayers for the false-positive rate; smaller groups are shown, not judged.

    Parameters
    ----------
    customers
        The test slice, with outcomes.
    offered
        (n,) true where the policy makes an offer.
    config
        The limits.
    samples, seed
        Bootstrap draws for standard errors and the intervals of calibration, and where they start.

    Raises
    ------
    DataError
        No customers, or flags of another length.
    """
    _check(customers, offered)
    tallies = tally_groups(customers, offered, samples=samples, seed=seed)
    readers = [
        _AttributeReader(attribute, customers, offered, tally, config.minimum_group_rows) for attribute, tally in tallies.items()
    ]
    return FairnessReport(
        groups=tuple(group for reader in readers for group in reader.groups()),
        gaps=tuple(
            reader.gap(metric, getattr(config.limits_of(reader.attribute), metric), beyond_doubt=config.beyond_doubt)
            for reader in readers
            for metric in METRIC_NAMES
        ),
        bootstrap_samples=samples,
        seed=seed,
    )


def _check(customers: ScoredCustomers, offered: Flags) -> None:
    if customers.rows == 0:
        raise DataError("Fairness cannot be read: there are no customers.", "Give the test slice a larger share.")
    if offered.shape != customers.label.shape or offered.dtype != np.bool_:
        raise DataError(
            f"Fairness needs an offer flag for each of {customers.rows} customers, not {offered.dtype} of shape {offered.shape}.",
            "Decide on the same customers.",
        )


class _AttributeReader:
    """Reads the groups of one attribute; those with fewer than ``minimum`` customers are not judged."""

    def __init__(self, attribute: str, customers: ScoredCustomers, offered: Flags, tally: GroupTally, minimum: int) -> None:
        self.attribute = attribute
        self._customers, self._offered, self._tally, self._minimum = customers, offered, tally, minimum
        self._frame = _fairlearn_frame(customers, offered, customers.groups[attribute])

    def groups(self) -> list[GroupReading]:
        """Read each group by itself."""
        return [self._group(position) for position in range(len(self._tally.names))]

    def gap(self, metric: str, limit: float | None, *, beyond_doubt: bool) -> GapReading:
        """Read the largest gap among the groups that can be judged and hold it against its limit."""
        judged = np.flatnonzero(self._tally.of[metric] >= self._minimum)
        extremes: tuple[str, ...] = ()
        if judged.size < (1 if metric == CALIBRATION else 2):
            value = Interval(reason=self._too_few(metric, judged))
        else:
            value, extremes = self._furthest_off(judged) if metric == CALIBRATION else self._furthest_apart(metric, judged)
        verdict = _verdict(value, limit, beyond_doubt=beyond_doubt)
        return GapReading(attribute=self.attribute, metric=metric, value=value, limit=limit, verdict=verdict, groups=extremes)

    def _group(self, position: int) -> GroupReading:
        tally = self._tally
        rows, churners = int(tally.of[SELECTION_RATE][position]), int(tally.of[TRUE_POSITIVE_RATE][position])
        return GroupReading(
            attribute=self.attribute,
            group=tally.names[position],
            rows=rows,
            churners=churners,
            selection_rate=self._rate(SELECTION_RATE, position),
            true_positive_rate=self._rate(TRUE_POSITIVE_RATE, position),
            false_positive_rate=self._rate(FALSE_POSITIVE_RATE, position),
            mean_probability=float(tally.mean_probability[position]),
            churn_rate=churners / rows,
            calibration_gap=self._calibration(position),
        )

    def _rate(self, metric: str, position: int) -> Interval:
        of = int(self._tally.of[metric][position])
        if of == 0:
            # fairlearn reads 0 here, which would look like a group that is never offered anything.
            return Interval(reason=f"no {_OF_WHOM[metric]} in this group")
        low, high = wilson_interval(int(self._tally.hits[metric][position]), of)
        return Interval(value=float(self._frame.by_group.loc[self._tally.names[position], metric]), low=low, high=high)

    def _calibration(self, position: int) -> Interval:
        return percentile_interval(float(self._tally.calibration[position]), self._tally.drawn_calibration[:, position])

    def _too_few(self, metric: str, judged: Integers) -> str:
        who = f"only '{self._tally.names[judged[0]]}' has" if judged.size else "no group has"
        return f"{who} {self._minimum} {_OF_WHOM[metric]} or more"

    def _furthest_off(self, judged: Integers) -> tuple[Interval, tuple[str, ...]]:
        distances = self._tally.calibration[judged]
        low, high = largest_distance(distances, self._tally.spread[CALIBRATION][judged])
        worst = int(np.argmax(np.abs(distances)))
        return Interval(value=float(abs(distances[worst])), low=low, high=high), (self._tally.names[judged[worst]],)

    def _furthest_apart(self, metric: str, judged: Integers) -> tuple[Interval, tuple[str, ...]]:
        names, frame = [self._tally.names[position] for position in judged], self._frame
        if len(names) < len(self._tally.names):
            chosen = np.isin(self._customers.groups[self.attribute], names)
            part = self._customers.take(chosen)
            frame = _fairlearn_frame(part, self._offered[chosen], part.groups[self.attribute])
        rates = frame.by_group[metric].loc[names].to_numpy()
        low, high = largest_difference(rates, self._tally.spread[metric][judged])
        value = float(frame.difference()[metric])
        return Interval(value=value, low=low, high=high), (names[int(np.argmax(rates))], names[int(np.argmin(rates))])


def _verdict(value: Interval, limit: float | None, *, beyond_doubt: bool) -> Literal["reported", "within", "watch", "broken"]:
    if limit is None or value.value is None or value.low is None:
        return "reported"
    if value.value <= limit:
        return "within"
    return "broken" if value.low > limit or not beyond_doubt else "watch"


def _fairlearn_frame(customers: ScoredCustomers, offered: Flags, names: Any) -> Any:
    from fairlearn.metrics import (  # type: ignore[import-untyped, unused-ignore]
        MetricFrame,
        false_positive_rate,
        selection_rate,
        true_positive_rate,
    )

    functions: dict[str, Callable[..., float]] = {
        SELECTION_RATE: selection_rate,
        TRUE_POSITIVE_RATE: true_positive_rate,
        FALSE_POSITIVE_RATE: false_positive_rate,
    }
    return MetricFrame(metrics=functions, y_true=customers.label, y_pred=offered.astype(np.int8), sensitive_features=names)
