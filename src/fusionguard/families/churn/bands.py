"""Bands of risk: how many customers are in each, how many of them left, and what is at stake."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.readings import share_reading
from fusionguard.evaluation.scored import Floats
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.retention import RetentionPolicy

BAND_EDGES = (0.1, 0.25, 0.5)
"""The probabilities at which the next band begins."""

BANDS = ("low", "guarded", "elevated", "high")


class BandReading(BaseModel):
    """The customers of one band of risk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    band: str
    lowest: float
    """The probability from which the band begins."""
    below: float
    """The probability at which the next band begins; the last band includes its 1."""
    rows: int
    churners: int
    share: float
    """Of all customers, in [0, 1]."""
    mean_probability: float | None
    """What the model expects of ``churn_rate``; null without customers."""
    churn_rate: Interval
    """The observed share of leavers with its 95 % interval (Wilson 1927), or the reason why there is none."""
    value_at_risk: float
    """Value the band is expected to lose without a campaign: the sum of probability times customer value, in the currency."""


def band_of(probability: Floats) -> NDArray[np.str_]:
    """Return (n,) the name of each customer's band; a probability on an edge belongs to the band above."""
    return np.array(BANDS)[_band_numbers(probability)]


def read_bands(customers: ScoredCustomers, policy: RetentionPolicy) -> tuple[BandReading, ...]:
    """Read every band from low to high; one without customers is there too, with the reason for what it lacks."""
    number = _band_numbers(customers.probability)
    edges = pairwise((0.0, *BAND_EDGES, 1.0))
    return tuple(
        _read(band, edge, customers.take(number == i), customers.rows, policy)
        for i, (band, edge) in enumerate(zip(BANDS, edges, strict=True))
    )


def _band_numbers(probability: Floats) -> NDArray[np.intp]:
    return np.searchsorted(BAND_EDGES, probability, side="right")


def _read(band: str, edge: tuple[float, float], inside: ScoredCustomers, total: int, policy: RetentionPolicy) -> BandReading:
    return BandReading(
        band=band,
        lowest=edge[0],
        below=edge[1],
        rows=inside.rows,
        churners=inside.churners,
        share=inside.rows / total if total else 0.0,
        mean_probability=float(np.mean(inside.probability)) if inside.rows else None,
        churn_rate=share_reading(inside.churners, inside.rows, "no customers here"),
        value_at_risk=float(np.sum(inside.probability * policy.customer_value(inside.balance))),
    )
