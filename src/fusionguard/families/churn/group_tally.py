"""Counts and rates of each group of customers, on the rows as they are and on bootstrap draws of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusionguard.evaluation.bootstrap import resampled_counts
from fusionguard.evaluation.scored import Flags, Floats
from fusionguard.families.churn.customers import ScoredCustomers

SELECTION_RATE = "selection_rate"
TRUE_POSITIVE_RATE = "true_positive_rate"
FALSE_POSITIVE_RATE = "false_positive_rate"
CALIBRATION = "calibration"


@dataclass(frozen=True)
class GroupTally:
    """One attribute's groups, k of them, and s bootstrap draws.

    Parameters
    ----------
    names
        The k groups in the order in which people read them.
    of
        By metric (k,), how many customers it is a share of: leavers for the true-positive rate, stayers for the
        false-positive rate, all for the rest.
    hits
        By rate (k,), how many of those get an offer.
    mean_probability, calibration
        (k,) each; calibration is the mean probability less the churn rate.
    spread
        By metric (k,), its standard error; see :func:`tally_groups`.
    drawn_calibration
        (s, k); NaN where a draw has nobody of a group.
    """

    names: tuple[str, ...]
    of: dict[str, Floats]
    hits: dict[str, Floats]
    mean_probability: Floats
    calibration: Floats
    spread: dict[str, Floats]
    drawn_calibration: Floats


def tally_groups(customers: ScoredCustomers, offered: Flags, *, samples: int, seed: int) -> dict[str, GroupTally]:
    """Count every attribute's groups, drawing the same customers for all of them.

    Standard errors are those of the draws. Draws cannot see any doubt where all of a group are treated alike (8 of 8 leavers
    offered), so a rate's is at least that of the rate with one offer and one refusal added (Agresti and Caffo, The American
    Statistician 54, 2000), and a calibration's at least that of outcomes drawn from the probabilities.

    Parameters
    ----------
    customers, offered
        n customers with outcomes, and (n,) whether each gets an offer.
    samples, seed
        Draws, with replacement among leavers and among stayers, and where they start.
    """
    names = {attribute: customers.groups_of(attribute) for attribute in customers.groups}
    group = {attribute: _codes(customers.groups[attribute], names[attribute]) for attribute in names}
    outcome = 2 * customers.label.astype(np.int64) + offered
    cell = {attribute: 4 * group[attribute] + outcome for attribute in names}
    drawn: dict[str, list[tuple[Floats, Floats]]] = {attribute: [] for attribute in names}
    for count in resampled_counts(customers.label, samples, seed):
        weighted = count * customers.probability
        for attribute in names:
            k = len(names[attribute])
            counts = _sums(cell[attribute], count, 4 * k).reshape(k, 2, 2)
            drawn[attribute].append((counts, _sums(group[attribute], weighted, k)))
    return {
        attribute: _tally(customers, names[attribute], group[attribute], cell[attribute], drawn[attribute]) for attribute in names
    }


def _tally(
    customers: ScoredCustomers,
    names: tuple[str, ...],
    group: NDArray[np.int64],
    cell: NDArray[np.int64],
    drawn: list[tuple[Floats, Floats]],
) -> GroupTally:
    k = len(names)
    counts = _sums(cell, np.ones(customers.rows), 4 * k).reshape(k, 2, 2)
    of, hits = _shares(counts)
    probability = _sums(group, customers.probability, k)
    calibration = (probability - of[TRUE_POSITIVE_RATE]) / of[CALIBRATION]
    drawn_of, drawn_hits = _shares(np.stack([counts for counts, _ in drawn]))
    drawn_calibration = _ratio(np.stack([sums for _, sums in drawn]) - drawn_of[TRUE_POSITIVE_RATE], drawn_of[CALIBRATION])
    spread = {
        metric: np.maximum(_deviation(_ratio(drawn_hits[metric], drawn_of[metric])), _plus_one(hits[metric], of[metric]))
        for metric in hits
    }
    doubt = _sums(group, customers.probability * (1 - customers.probability), k)
    spread[CALIBRATION] = np.maximum(_deviation(drawn_calibration), np.sqrt(doubt + 0.25) / of[CALIBRATION])
    return GroupTally(names, of, hits, probability / of[CALIBRATION], calibration, spread, drawn_calibration)


def _shares(counts: Floats) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """From counts (..., k, label, offered): what each metric is a share of, and how many of those get an offer, (..., k) each."""
    stayers, churners = counts[..., 0, :].sum(axis=-1), counts[..., 1, :].sum(axis=-1)
    rows = stayers + churners
    of = {SELECTION_RATE: rows, TRUE_POSITIVE_RATE: churners, FALSE_POSITIVE_RATE: stayers, CALIBRATION: rows}
    return of, {
        SELECTION_RATE: counts[..., 1].sum(axis=-1),
        TRUE_POSITIVE_RATE: counts[..., 1, 1],
        FALSE_POSITIVE_RATE: counts[..., 0, 1],
    }


def _sums(code: NDArray[np.int64], weight: Floats, length: int) -> Floats:
    return np.bincount(code, weights=weight, minlength=length).astype(np.float64)


def _plus_one(hits: Floats, of: Floats) -> Floats:
    share = (hits + 1) / (of + 2)
    error: Floats = np.sqrt(share * (1 - share) / (of + 2))
    return error


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return ratio


def _deviation(drawn: Floats) -> Floats:
    """The standard deviation of each column; 0 for a column without a value, which the lower bounds then replace."""
    seen = ~np.isnan(drawn)
    count = np.maximum(seen.sum(axis=0), 1)
    values = np.where(seen, drawn, 0.0)
    centred = np.where(seen, values - values.sum(axis=0) / count, 0.0)
    deviation: Floats = np.sqrt((centred**2).sum(axis=0) / count)
    return deviation


def _codes(groups: NDArray[np.str_], names: tuple[str, ...]) -> NDArray[np.int64]:
    position = {name: number for number, name in enumerate(names)}
    found, inverse = np.unique(groups, return_inverse=True)
    return np.array([position[str(name)] for name in found])[inverse]
