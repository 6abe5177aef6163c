"""Readings of folds with intervals that draw owners, the same ones for every model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fusionguard.evaluation.bootstrap import Interval, PairedDifference, percentile_interval
from fusionguard.evaluation.prequential.folds import Labels
from fusionguard.evaluation.prequential.owner_days import OwnerDays
from fusionguard.evaluation.prequential.report import AMOUNT_RECALL, OWNER_PRECISION, RECALL
from fusionguard.evaluation.ranked import Ranking
from fusionguard.evaluation.readings import AVERAGE_PRECISION, ROC_AUC
from fusionguard.evaluation.scored import Floats, Integers

METRICS = (AVERAGE_PRECISION, ROC_AUC, OWNER_PRECISION, RECALL, AMOUNT_RECALL)

_Drawn = NDArray[np.float64]
"""(samples + 1, ...) what was read of the rows as they are, and then of each draw."""


@dataclass(frozen=True)
class JudgedRows:
    """The rows that a fold judges: (n,) each.

    Parameters
    ----------
    weight
        How many real rows a row stands for.
    amount
        What a row is about, NaN where that is missing; None where rows have no amounts.
    """

    label: Labels
    owner: Integers
    day: Integers
    weight: Floats
    amount: Floats | None = None

    @cached_property
    def owners(self) -> Integers:
        """(m,) the numbers of the owners, each once."""
        return np.unique(self.owner)

    @cached_property
    def place(self) -> Integers:
        """(n,) the place of a row's owner among them."""
        return np.searchsorted(self.owners, self.owner)

    def at_stake(self) -> Floats:
        """(n,) what positive rows are about, given back or not, without a sign; 0 elsewhere and where it is missing."""
        if self.amount is None:
            return np.zeros(self.label.size)
        return np.where(self.label == 1, np.abs(np.nan_to_num(self.amount)), 0.0)


@dataclass(frozen=True)
class Readings:
    """What one model reads on some folds, as it is and in each draw.

    Parameters
    ----------
    values
        (samples + 1, folds, metrics) in the order of ``METRICS``; NaN where a metric has no value.
    caught, positives
        (samples + 1, bands) the positive rows that were caught and all of them, by amount, of all folds together.
    """

    values: _Drawn
    caught: _Drawn
    positives: _Drawn

    def fold(self, number: int) -> dict[str, Interval]:
        """Return the readings of one fold."""
        return self._intervals(self.values[:, number])

    def mean(self, folds: Sequence[int] | None = None) -> dict[str, Interval]:
        """Return the mean of each metric over some folds, or over all; a draw in which one has no value is left out."""
        return self._intervals(self._mean(folds))

    def band(self, number: int) -> Interval:
        """Return the recall of the positive rows of one band of amounts."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return _interval(self.caught[:, number] / self.positives[:, number])

    def change(self, since: Readings, folds: Sequence[int] | None = None) -> dict[str, PairedDifference]:
        """Return by how much each mean is above that of other readings of the same folds and draws."""
        gains = self._mean(folds) - since._mean(folds)
        return {name: _difference(gains[:, place]) for place, name in enumerate(METRICS) if not np.isnan(gains[0, place])}

    def _mean(self, folds: Sequence[int] | None) -> _Drawn:
        chosen = self.values if folds is None else self.values[:, list(folds)]
        return np.asarray(chosen.mean(axis=1))

    def _intervals(self, drawn: _Drawn) -> dict[str, Interval]:
        read = {name: _interval(drawn[:, place]) for place, name in enumerate(METRICS)}
        return {name: each for name, each in read.items() if each.value is not None}


class FoldsReader:
    """Reads any number of models on the same folds and the same draws of owners.

    Rows of one owner are alike: drawing them one by one would make intervals too narrow (Efron and Tibshirani, *An Introduction
    to the Bootstrap*, 1993, chapter 8). So as many owners as there are in all folds are drawn with replacement, each with all of
    its rows; one drawn twice is two.

    Parameters
    ----------
    folds
        The rows of each.
    checked
        How many owners are looked at on a day.
    edges
        (b,) amounts at which bands of positive rows begin, above the first; without any there is one band.
    samples, seed
        How many draws, and where they start.
    """

    def __init__(self, folds: Sequence[JudgedRows], *, checked: int, edges: Sequence[float], samples: int, seed: int) -> None:
        self._folds, self._checked, self._edges = list(folds), checked, np.asarray(edges, dtype=np.float64)
        everybody = np.unique(np.concatenate([fold.owners for fold in folds]))
        generator = np.random.default_rng(seed)
        draws = [np.ones(everybody.size)]
        for _ in range(samples):
            drawn = generator.integers(0, everybody.size, everybody.size)
            draws.append(np.bincount(drawn, minlength=everybody.size).astype(np.float64))
        copies = np.array(draws)
        self._copies = [copies[:, np.searchsorted(everybody, fold.owners)] for fold in folds]
        self._bands = [
            np.zeros(fold.label.size, dtype=np.int64)
            if fold.amount is None
            else np.searchsorted(self._edges, np.nan_to_num(fold.amount), side="right")
            for fold in folds
        ]

    def read(self, scores: Sequence[Floats | None]) -> Readings:
        """Read a model's scores of each fold's rows, (n,) each; a fold that it has none of is NaN throughout."""
        draws, bands = self._copies[0].shape[0], self._edges.size + 1
        values = np.full((draws, len(self._folds), len(METRICS)), np.nan)
        caught, positives = np.zeros((draws, bands)), np.zeros((draws, bands))
        for number, score in enumerate(scores):
            if score is not None:
                self._read_fold(number, score, values[:, number], caught, positives)
        return Readings(values, caught, positives)

    def _read_fold(self, number: int, score: Floats, values: _Drawn, caught: _Drawn, positives: _Drawn) -> None:
        fold, band, copies = self._folds[number], self._bands[number], self._copies[number]
        ranking, stake = Ranking(fold.label, score), fold.at_stake()
        owners = OwnerDays(fold.label, score, fold.place, fold.day, self._checked)
        positive = np.flatnonzero(fold.label == 1)
        band, stake, whose, bands = band[positive], stake[positive], fold.place[positive], caught.shape[1]
        for draw, drawn in enumerate(copies):
            weight, looked = fold.weight * drawn[fold.place], owners.check(drawn)
            found, there = looked.found[positive], drawn[whose]
            caught[draw] += np.bincount(band, found, bands)
            positives[draw] += np.bincount(band, there, bands)
            values[draw] = (
                ranking.average_precision(weight),
                ranking.roc_auc(weight),
                looked.precision,
                _share(found.sum(), there.sum()),
                _share((found * stake).sum(), (there * stake).sum()),
            )


def perfect_precision(fold: JudgedRows, checked: int) -> float:
    """Return the owners' precision of a ranking that puts every positive row above all others."""
    return OwnerDays(fold.label, fold.label.astype(np.float64), fold.place, fold.day, checked).check().precision


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def _interval(drawn: _Drawn) -> Interval:
    if np.isnan(drawn[0]):
        return Interval(reason="there is nothing to read it on")
    return percentile_interval(float(drawn[0]), drawn[1:])


def _difference(drawn: _Drawn) -> PairedDifference:
    told = drawn[1:][~np.isnan(drawn[1:])]
    low, high = np.percentile(told if told.size else drawn[:1], [2.5, 97.5])
    better = float(np.mean(told > 0)) if told.size else float(drawn[0] > 0)
    return PairedDifference(value=float(drawn[0]), low=float(low), high=float(high), probability_better=better)
