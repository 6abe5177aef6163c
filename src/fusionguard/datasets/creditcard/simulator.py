"""Simulated transactions in Kaggle's layout, any number of rows from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fusionguard.datasets.creditcard.fraud_model import (
    MODELLED,
    ClassModel,
    Floats,
    FraudStatistics,
    draw_latent,
    to_values,
    whole_cents,
)

Integers = NDArray[np.int64]

_CHUNK_ROWS = 1 << 16
_PLAN, _FRAUDS, _CHUNK = range(3)
"""Streams of random numbers: what is planned for the whole table, its frauds, and each chunk of legitimate rows."""


def simulate_batches(rows: int, seed: int, statistics: FraudStatistics, columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield transactions chunk by chunk; a chunk depends on the seed and its number only, not on the chunks before it."""
    plan = make_plan(rows, seed, statistics)
    fraud_values = draw_frauds(plan, seed, statistics)
    for number, start in enumerate(range(0, plan.base_rows, _CHUNK_ROWS)):
        stop = min(start + _CHUNK_ROWS, plan.base_rows)
        first, last = np.searchsorted(plan.fraud_positions, (start, stop))
        is_fraud = np.zeros(stop - start, dtype=bool)
        is_fraud[plan.fraud_positions[first:last] - start] = True
        seconds = np.empty(stop - start, dtype=np.int64)
        seconds[is_fraud] = plan.fraud_seconds[first:last]
        seconds[~is_fraud] = np.searchsorted(plan.legitimate_until, np.arange(start - first, stop - last), side="right")
        rng = np.random.default_rng((seed, _CHUNK, number))
        values = np.empty((stop - start, len(MODELLED)))
        values[is_fraud] = fraud_values[first:last]
        values[~is_fraud] = _draw_legitimate(seconds[~is_fraud], rng, statistics)
        low, high = np.searchsorted(plan.copied, (start, stop))
        copies = np.bincount(plan.copied[low:high] - start, minlength=stop - start) + 1
        order = np.repeat(np.arange(stop - start), copies)
        arrays = [pa.array(seconds[order].astype(np.float64))]
        arrays += [pa.array(values[order, column]) for column in range(len(MODELLED))]
        arrays += [pa.array(is_fraud[order].astype(np.int64))]
        yield pa.record_batch(arrays, schema=columns)


@dataclass(frozen=True)
class Plan:
    """What is decided for the whole table before any row is drawn; a base row is one that is not a copy of another."""

    base_rows: int
    legitimate_until: Integers
    """(seconds,) how many legitimate base rows there are up to and with each second."""
    fraud_seconds: Integers
    fraud_campaigns: Integers
    """The campaign of each fraud, -1 for a fraud on its own."""
    fraud_positions: Integers
    """The rank of each fraud among the base rows."""
    copied: Integers
    """The base rows that are copied, sorted, once for each copy."""


def make_plan(rows: int, seed: int, statistics: FraudStatistics) -> Plan:
    """Decide how many rows of each kind there are, when they happen, and which are copied."""
    rng = np.random.default_rng((seed, _PLAN))
    growth = rows / statistics.rows
    frauds = max(1, round(statistics.frauds * growth))
    fraud_copies = min(round(statistics.duplicate_frauds * growth), frauds - 1)
    legitimate_copies = round((statistics.duplicates - statistics.duplicate_frauds) * growth)
    legitimate = rows - frauds - legitimate_copies
    per_second = rng.multinomial(legitimate, _shares_by_second(statistics.legitimate_by_hour, statistics.last_second))
    legitimate_until = np.cumsum(per_second)
    seconds, campaigns = _fraud_times(frauds - fraud_copies, rng, statistics)
    before = legitimate_until[seconds] - per_second[seconds]
    within = rng.integers(0, per_second[seconds] + 1)
    # Frauds of one second keep their order, so that positions never cross.
    ranks = np.sort(before + within)
    positions = ranks + np.arange(len(ranks))
    base_rows = legitimate + len(positions)
    copied_legitimate = rng.integers(0, legitimate, legitimate_copies)
    copied_legitimate += np.searchsorted(ranks, copied_legitimate, side="right")
    copied_frauds = positions[rng.integers(0, len(positions), fraud_copies)]
    copied = np.sort(np.concatenate([copied_legitimate, copied_frauds]))
    return Plan(base_rows, legitimate_until, seconds, campaigns, positions, copied)


def _shares_by_second(shares_by_hour: Floats, last_second: int) -> Floats:
    """Spread hourly shares over seconds: linear between the hours' middles, each hour keeping its share."""
    seconds = np.arange(last_second + 1)
    middles = np.arange(len(shares_by_hour)) * 3600 + 1800
    density = np.interp(seconds, middles, shares_by_hour)
    hours = seconds // 3600
    per_hour = np.bincount(hours, weights=density, minlength=len(shares_by_hour))
    shares = density * (shares_by_hour / per_hour)[hours]
    return np.asarray(shares / shares.sum())


def _fraud_times(count: int, rng: np.random.Generator, statistics: FraudStatistics) -> tuple[Integers, Integers]:
    """Return the sorted seconds of ``count`` frauds, and the campaign of each (-1 for none)."""
    sizes = rng.geometric(1 / statistics.campaign_mean_size, count)
    wanted = round(count * statistics.campaign_share)
    campaigns = np.repeat(np.arange(count), sizes)[:wanted]
    campaigns = np.concatenate([campaigns, np.full(count - wanted, -1)])
    shares = statistics.frauds_by_hour / statistics.frauds_by_hour.sum()
    starts = rng.choice(len(shares), count, p=shares) * 3600 + rng.integers(0, 3600, count)
    alone = rng.choice(len(shares), count, p=shares) * 3600 + rng.integers(0, 3600, count)
    delays = rng.exponential(statistics.campaign_seconds, count).astype(np.int64)
    seconds = np.where(campaigns >= 0, starts[campaigns] + delays, alone)
    seconds = np.where(seconds > statistics.last_second, alone % 86_400, seconds)
    order = np.argsort(seconds, kind="stable")
    return seconds[order], campaigns[order]


def draw_frauds(plan: Plan, seed: int, statistics: FraudStatistics) -> Floats:
    """Draw the frauds' values (n, 29); those of one campaign share a cluster and most of their noise."""
    seconds, campaigns = plan.fraud_seconds, plan.fraud_campaigns
    rng = np.random.default_rng((seed, _FRAUDS))
    count = len(seconds)
    noise, choice = rng.standard_normal((count, len(MODELLED))), rng.random(count)
    shared_noise, shared_choice = rng.standard_normal((count, len(MODELLED))), rng.random(count)
    member = campaigns >= 0
    likeness = statistics.campaign_likeness
    noise[member] = np.sqrt(likeness) * shared_noise[campaigns[member]] + np.sqrt(1 - likeness) * noise[member]
    choice[member] = shared_choice[campaigns[member]]
    values = _finish(statistics.fraud, seconds, noise, choice, rng)
    faint = np.flatnonzero(~member & (rng.random(count) < statistics.faint_share / (1 - statistics.campaign_share)))
    strength = rng.uniform(0, statistics.faint_strength, (len(faint), 1))
    ordinary = _draw(statistics.legitimate, seconds[faint], rng)[:, :-1]
    values[faint, :-1] = ordinary + strength * (values[faint, :-1] - ordinary)
    return values


def _draw_legitimate(seconds: Integers, rng: np.random.Generator, statistics: FraudStatistics) -> Floats:
    """Draw legitimate values (n, 29); a few look like fraud in some of their V columns."""
    values = _draw(statistics.legitimate, seconds, rng)
    alike = np.flatnonzero(rng.random(len(seconds)) < statistics.look_alike_share)
    fraudulent = _draw(statistics.fraud, seconds[alike], rng)
    borrowed = rng.random(fraudulent.shape) < statistics.look_alike_columns
    borrowed[:, -1] = False
    values[alike] = np.where(borrowed, fraudulent, values[alike])
    return values


def _draw(model: ClassModel, seconds: Integers, rng: np.random.Generator) -> Floats:
    count = len(seconds)
    return _finish(model, seconds, rng.standard_normal((count, len(MODELLED))), rng.random(count), rng)


def _finish(model: ClassModel, seconds: Integers, noise: Floats, choice: Floats, rng: np.random.Generator) -> Floats:
    values = to_values(model, draw_latent(model, seconds, noise, choice))
    values[:, -1] = whole_cents(model, values[:, -1], rng.random(len(values)))
    return values
