"""The statistical model behind simulated transactions: per class a mixture copula with tabulated marginals, read from JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

V_COLUMNS = tuple(f"V{number}" for number in range(1, 29))
MODELLED = (*V_COLUMNS, "Amount")
"""The columns drawn jointly, in the order of the model's axes."""

_STEPS_PER_UNIT = float(1 << 14)


@dataclass(frozen=True)
class ClassModel:
    """How the rows of one class are distributed, given their time. K clusters, 29 columns (:data:`MODELLED`).

    Parameters
    ----------
    weights_by_hour
        (48, K) cumulative cluster weights in each hour of the two days.
    mean, drift
        (K, 29) latent mean in the middle of the period, and its change per day.
    factor
        (K, 29, 29) lower triangular factors of the clusters' latent covariances.
    latent, value
        For each column the nodes of the monotone map from latent to value, as long as one another.
    cents
        (100,) cumulative shares of the cents of an amount.
    """

    weights_by_hour: Floats
    mean: Floats
    drift: Floats
    factor: Floats
    latent: tuple[Floats, ...]
    value: tuple[Floats, ...]
    cents: Floats


@dataclass(frozen=True)
class FraudStatistics:
    """Everything the simulator knows about the published data set."""

    rows: int
    frauds: int
    duplicates: int
    duplicate_frauds: int
    last_second: int
    legitimate_by_hour: Floats
    """(48,) shares of the legitimate rows."""
    frauds_by_hour: Floats
    """(48,) shares of the frauds."""
    campaign_share: float
    """The share of frauds that come in campaigns: many alike, minutes apart."""
    campaign_mean_size: float
    campaign_seconds: float
    campaign_likeness: float
    """Correlation of the latent values of two frauds in one campaign."""
    faint_share: float
    """The share of frauds that look much like legitimate rows."""
    faint_strength: float
    """A faint fraud goes at most this part of the way from a legitimate row to a fraud, in every V column."""
    look_alike_share: float
    """The share of legitimate rows that look like fraud in some of their V columns."""
    look_alike_columns: float
    """In which part of their V columns they do."""
    legitimate: ClassModel
    fraud: ClassModel


@cache
def load_statistics() -> FraudStatistics:
    """Read the statistics that ship with the package."""
    return parse_statistics(json.loads(resources.files(__package__).joinpath("statistics.json").read_text("utf-8")))


def parse_statistics(content: dict[str, Any]) -> FraudStatistics:
    """Build the statistics from the content of ``statistics.json``."""
    counts, rhythm, campaigns = content["counts"], content["rhythm"], content["campaigns"]
    return FraudStatistics(
        rows=counts["rows"],
        frauds=counts["frauds"],
        duplicates=counts["duplicates"],
        duplicate_frauds=counts["duplicate_frauds"],
        last_second=counts["last_second"],
        legitimate_by_hour=np.array(rhythm["legitimate_by_hour"]),
        frauds_by_hour=np.array(rhythm["frauds_by_hour"]),
        campaign_share=campaigns["share"],
        campaign_mean_size=campaigns["mean_size"],
        campaign_seconds=campaigns["seconds"],
        campaign_likeness=campaigns["likeness"],
        **content["difficulty"],
        legitimate=_parse_class(content["legitimate"]),
        fraud=_parse_class(content["fraud"]),
    )


def draw_latent(model: ClassModel, seconds: NDArray[np.int64], noise: Floats, choice: Floats) -> Floats:
    """Turn noise into latent values of one class.

    Parameters
    ----------
    seconds
        (n,) time of each row.
    noise
        (n, 29) standard normal.
    choice
        (n,) uniform in [0, 1): picks the cluster.

    Returns
    -------
    (n, 29) latent values. All terms are multiples of a power of two, small enough that every sum is exact: the result does not
    depend on the order in which a machine adds them, so the same seed gives the same bytes everywhere.
    """
    hour = np.minimum(seconds // 3600, len(model.weights_by_hour) - 1)
    cluster = (choice[:, None] >= model.weights_by_hour[hour, :-1]).sum(axis=1)
    noise = np.round(noise * _STEPS_PER_UNIT) / _STEPS_PER_UNIT
    days = np.round((seconds / 86_400 - 1) * 1024)[:, None] / 1024
    latent = np.empty_like(noise)
    for index in range(len(model.mean)):
        rows = np.flatnonzero(cluster == index)
        latent[rows] = noise[rows] @ model.factor[index].T + model.mean[index] + days[rows] * model.drift[index]
    return latent


def to_values(model: ClassModel, latent: Floats) -> Floats:
    """Map latent values (n, 29) to the columns' own units, each through its monotone table; amounts get their cents later."""
    values = np.empty_like(latent)
    for column in range(latent.shape[1]):
        values[:, column] = np.interp(latent[:, column], model.latent[column], model.value[column])
    return values


def whole_cents(model: ClassModel, amounts: Floats, choice: Floats) -> Floats:
    """Round amounts (n,) to whole cents with the class's habits: prices end in .00, .99 or .95 more often than in .37.

    Amounts under 10, and those on a step of the table (15.00, 99.99, ...), are only rounded; ``choice`` (n,) is uniform.
    """
    nodes = model.value[-1]
    steps = nodes[1:][np.diff(nodes) == 0]
    cents = np.searchsorted(model.cents[:-1], choice, side="right") / 100
    priced = np.round(amounts - cents) + cents
    return np.asarray(np.round(np.where((amounts < 10) | np.isin(amounts, steps), amounts, priced) * 100) / 100)


def _parse_class(content: dict[str, Any]) -> ClassModel:
    size = len(MODELLED)
    factor = np.zeros((len(content["mean"]), size, size))
    factor[:, *np.tril_indices(size)] = content["factor"]
    tables = content["tables"]
    return ClassModel(
        weights_by_hour=_cumulative(np.array(content["weights_by_hour"])),
        mean=_exact(content["mean"]),
        drift=_exact(content["drift"]),
        factor=_exact(factor),
        latent=tuple(np.array(tables[column]["latent"]) for column in MODELLED),
        value=tuple(np.array(tables[column]["value"]) for column in MODELLED),
        cents=_cumulative(np.array(content["cents"])),
    )


def _exact(numbers: Any) -> Floats:
    return np.asarray(np.round(np.array(numbers) * _STEPS_PER_UNIT) / _STEPS_PER_UNIT)


def _cumulative(shares: Floats) -> Floats:
    return np.asarray(np.cumsum(shares, axis=-1) / shares.sum(axis=-1, keepdims=True))
