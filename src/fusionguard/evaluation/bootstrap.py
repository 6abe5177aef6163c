"""How sure a reading is: percentile intervals from resampling rows, or those whose rows they are, stratified by label."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from fusionguard.errors import DataError
from fusionguard.evaluation.ranked import Ranking
from fusionguard.evaluation.scored import Floats, Integers

Reader = Callable[[Floats], float]
"""Reads one metric for weights (n,); NaN where it has no value."""


FEWEST_OWNERS = 10
"""Of fewer owners with positive rows there is no interval."""


class Interval(BaseModel):
    """A reading with its 95 % interval, or the reason why there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    """Why ``value`` is null."""

    def text(self, digits: int = 3) -> str:
        """Return ``0.781 (0.702 to 0.853)``, without the brackets where there is no interval, or a dash without a value."""
        if self.value is None:
            return "–"
        if self.low is None or self.high is None:
            return f"{self.value:.{digits}f}"
        return f"{self.value:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


class PairedDifference(BaseModel):
    """By how much the challenger is better than the champion in one metric on the same rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float
    probability_better: float = Field(ge=0, le=1)
    """Share of the draws in which the challenger is strictly better."""


def intervals(
    label: NDArray[np.int8],
    weight: Floats,
    values: Mapping[str, float],
    readers: Mapping[str, Reader],
    *,
    samples: int,
    seed: int,
    owner: Integers | None = None,
) -> dict[str, Interval]:
    """Put a 95 % percentile interval around each value.

    Positives and negatives are drawn with replacement, each among themselves, so that every draw keeps their numbers
    (Efron and Tibshirani 1993, chapter 13). The same seed draws the same rows, whatever the model. Rows of one owner are alike:
    where owners are known, these are drawn, each with all of its rows (chapter 8 there). There is no interval where all positive
    rows are of fewer than :data:`FEWEST_OWNERS`: draws of two or three cards say nothing of other cards.

    Parameters
    ----------
    label, weight
        (n,) each.
    values
        What each metric reads on the rows as they are.
    readers
        The same metrics as functions of the weights; a draw in which one is NaN is left out of its interval.
    samples, seed
        How many draws, and where they start.
    owner
        (n,) the number of whose a row is; without it, each row is one of its own.
    """
    if owner is not None and np.unique(owner[label == 1]).size < FEWEST_OWNERS:
        return {name: Interval(value=value) for name, value in values.items()}
    drawn: dict[str, list[float]] = {name: [] for name in values}
    for count in resampled_counts(label, samples, seed, owner):
        draw_weight = weight * count
        for name in values:
            drawn[name].append(readers[name](draw_weight))
    return {name: percentile_interval(value, np.array(drawn[name])) for name, value in values.items()}


def paired_difference(
    label: NDArray[np.int8],
    weight: Floats,
    challenger_score: Floats,
    champion_score: Floats,
    *,
    samples: int,
    seed: int,
    owner: Integers | None = None,
) -> PairedDifference:
    """Compare two scores of the same rows by average precision, drawing the same rows for both.

    All arrays are (n,); ``owner`` is as in :func:`intervals`. Raises :class:`DataError` where the rows hold one class only.
    """
    challenger, champion = Ranking(label, challenger_score), Ranking(label, champion_score)
    name = "average_precision"
    readers = {name: challenger.average_precision}, {name: champion.average_precision}
    return paired_differences(label, weight, *readers, samples=samples, seed=seed, owner=owner)[name]


def paired_differences(
    label: NDArray[np.int8],
    weight: Floats,
    challenger: Mapping[str, Reader],
    champion: Mapping[str, Reader],
    *,
    samples: int,
    seed: int,
    owner: Integers | None = None,
) -> dict[str, PairedDifference]:
    """Return, for each metric, by how much ``challenger`` reads higher than ``champion``, drawing the same rows for both.

    Parameters
    ----------
    label, weight
        (n,) each.
    challenger, champion
        The same metrics of two models as functions of the weights; each is better the higher it is.
    owner
        As in :func:`intervals`.

    Raises
    ------
    DataError
        The rows hold one class only.
    """
    if not label.any() or label.all():
        raise DataError("Two models cannot be compared on rows of one class.", "Use test rows of both classes.")
    drawn: dict[str, list[float]] = {name: [] for name in challenger}
    for count in resampled_counts(label, samples, seed, owner):
        draw_weight = weight * count
        for name, gains in drawn.items():
            gains.append(challenger[name](draw_weight) - champion[name](draw_weight))
    return {name: _difference(challenger[name](weight) - champion[name](weight), gains) for name, gains in drawn.items()}


def resampled_counts(label: NDArray[np.int8], samples: int, seed: int, owner: Integers | None = None) -> Iterator[Floats]:
    """Yield, ``samples`` times, (n,) how often each row is drawn; each class keeps its number of rows.

    With ``owner`` (n,), those with a positive row keep their number, and so do the others.
    """
    generator = np.random.default_rng(seed)
    place = None if owner is None else np.unique(owner, return_inverse=True)[1]
    positive = label == 1 if place is None else np.bincount(place, weights=label) > 0
    classes = [np.flatnonzero(positive), np.flatnonzero(~positive)]
    for _ in range(samples):
        count = np.zeros(positive.size, dtype=np.float64)
        for drawn in classes:
            if drawn.size:
                count[drawn] = np.bincount(generator.integers(0, drawn.size, drawn.size), minlength=drawn.size)
        yield count if place is None else count[place]


def percentile_interval(value: float, drawn: Floats) -> Interval:
    """Put the middle 95 % of ``drawn`` (m,) around a value; a draw that is NaN is left out, and without any there is none."""
    drawn = drawn[~np.isnan(drawn)]
    if drawn.size == 0:
        return Interval(value=value)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(value=value, low=float(low), high=float(high))


def _difference(value: float, gains: list[float]) -> PairedDifference:
    low, high = np.percentile(gains, [2.5, 97.5])
    better = float(np.mean(np.array(gains) > 0))
    return PairedDifference(value=value, low=float(low), high=float(high), probability_better=better)
