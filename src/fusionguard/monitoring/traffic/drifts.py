"""Rows of simulated traffic, undrifted at first, with a drift of known kind and size from the onset on."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from fusionguard.data.drifting import Drift, Drifting
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.resolving import resolve
from fusionguard.datasets.shipped import Wanted, declared_names, simulator
from fusionguard.datasets.simulated import simulate, simulate_declared
from fusionguard.errors import UsageError
from fusionguard.families.catalog import family_names, model_family
from fusionguard.families.family import ModelFamily
from fusionguard.registry.model_names import plain_name

POOL = 4
"""A covariate shift chooses among so many times as many rows as it returns."""

MOST_DEVIATIONS = 2.0
"""A mean cannot move further by choosing among rows that exist."""

CHOSEN = frozenset({Drift.COVARIATE_SHIFT, Drift.OTHER_MIX, Drift.LARGER_AMOUNTS, Drift.ABSENT_HOURS})
"""Kinds that choose among rows that exist, of which there must be more than are asked for."""

_SHARES = frozenset(
    {
        Drift.NEW_PATTERN,
        Drift.MISSING_FEATURE,
        Drift.LABEL_DELAY,
        Drift.OTHER_MIX,
        Drift.FROZEN_FEATURE,
        Drift.SPIKE,
        Drift.SWAPPED_FEATURES,
        Drift.BURST,
    }
)
_JITTER = 0.01
_FEW_ROWS = 20_000
"""So many rows show which categories there are."""
_FIRST_HOUR, _SECONDS_PER_HOUR = 1, 3600


def usual_size(model: str, drift: Drift) -> float:
    """Return how much of a drift is usual in rows of a model.

    Raises
    ------
    UsageError
        Its rows cannot be simulated, or cannot drift so.
    """
    name = _simulated_name(model)
    sizes = _sizes(name)
    if drift not in sizes:
        able = [name for name in _simulated_names() if drift in _sizes(name)]
        tell = "tell no hour of the day, so that none can be absent" if drift is Drift.ABSENT_HOURS else f"have no {drift.value}"
        made_by = simulator(name)
        rows = model_family(name).features.rows if made_by is None else made_by.rows
        raise UsageError(f"{rows.capitalize()} {tell}.", f"Choose another drift, or model {' or '.join(able)}.")
    return sizes[drift]


def largest_size(drift: Drift) -> float:
    """Return the largest size that a drift can have: a share is at most 1, and a day has twelve hours to spare."""
    if drift in _SHARES:
        return 1.0
    if drift in (Drift.COVARIATE_SHIFT, Drift.LARGER_AMOUNTS):
        return MOST_DEVIATIONS
    return 12.0 if drift is Drift.ABSENT_HOURS else math.inf


def traffic_rows(model: str, rows: int, *, drift: Drift, size: float, onset: float, seed: int, after: int = 0) -> pd.DataFrame:
    """Return raw rows (the file's columns, its label among them) in the order in which they are sent.

    The simulator's population is that of ``--source simulated`` runs, from another seed; its rows are shuffled, so that each
    part of the stream is like any other. ``onset`` is the share of the stream after which the drift begins. Rows of a data set
    whose models read what happened before are in order of time, and those that come ``after`` so many of the same seed.
    """
    family = simulated_family(model)
    before = round(rows * onset) if drift not in (Drift.NONE, Drift.LABEL_DELAY) else rows
    drifted = rows - before
    with tempfile.TemporaryDirectory(prefix="fusionguard-traffic-") as folder:
        wanted = before + drifted * _pool(family, drift)
        everything = _undrifted(family, max(wanted, 100), seed, after, Path(folder) / "raw.parquet")
    calm = everything.iloc[:before]
    if not drifted:
        return calm.reset_index(drop=True)
    stormy = drift_rows(everything.iloc[before:wanted].reset_index(drop=True), family, drift, size, drifted, seed)
    return _in_order(family, pd.concat([calm, stormy], ignore_index=True))


def _pool(family: ModelFamily, drift: Drift) -> int:
    """Return among how many times as many rows drifted ones are chosen.

    Where models read what happened before, choosing one row in several would thin out what happened: rows are drawn again
    instead, and those of absent hours are made up for by later ones.
    """
    if family.features.past and drift is not Drift.ABSENT_HOURS:
        return 1
    return POOL if drift in CHOSEN else 1


def _undrifted(family: ModelFamily, rows: int, seed: int, after: int, file: Path) -> pd.DataFrame:
    if family.declared is not None:
        return pd.read_parquet(simulate_declared(family.model, Wanted(rows, seed, after=after), file).path)
    made = simulate(family.schema, rows, seed, file)
    return pd.read_parquet(made.path).sample(frac=1.0, random_state=seed).reset_index(drop=True)


def _in_order(family: ModelFamily, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of a declared data set in order of time, each with an id of its own; others as they are."""
    if family.declared is None or family.declared.declaration.time is None:
        return rows
    time, own = family.declared.declaration.time.column, family.declared.declaration.id
    rows = rows.sort_values(time, kind="stable", ignore_index=True)
    if own is not None:
        again = rows.groupby(own).cumcount()
        rows[own] = rows[own].where(again == 0, rows[own] + "-" + again.astype(str))
    return rows


def drift_rows(pool: pd.DataFrame, family: ModelFamily, drift: Drift, size: float, rows: int, seed: int) -> pd.DataFrame:
    """Return ``rows`` rows of ``pool``, in random order, after the drift; the same seed gives the same.

    The first ones, in their order, where models read what happened before and the drift does not choose among rows.

    Parameters
    ----------
    pool
        Undrifted raw rows with labels, ``POOL`` times as many as asked for where a covariate shift is to choose among them.
    """
    rng, where = np.random.default_rng((seed, list(Drift).index(drift))), _drifting(family)
    chances = _chances(pool, family, drift, size)
    if drift is Drift.ABSENT_HOURS:
        pool = pool[~absent(_seconds(pool, family), size)]
    if family.features.past and chances is None:
        chosen = pool.iloc[:rows].reset_index(drop=True)
    else:
        chosen = pool.iloc[rng.choice(len(pool), rows, replace=chances is not None, p=chances)].reset_index(drop=True)
    if drift is Drift.HEAVIER_TAIL:
        middle = float(np.median(pool[where.stretched]))
        values = chosen[where.stretched].to_numpy(float)
        stretched = np.where(values > middle, middle + size * (values - middle), values)
        chosen[where.stretched] = _money(stretched, family, where.stretched)
    elif drift in (Drift.UNIT_ERROR, Drift.FACTOR):
        chosen[where.stretched] = _money(chosen[where.stretched].to_numpy(float) * size, family, where.stretched)
    elif drift is Drift.MISSING_FEATURE:
        chosen.loc[rng.random(rows) < size, where.missing] = 0
    elif drift is Drift.NEW_PATTERN:
        _new_pattern(chosen, family, size, rng)
    else:
        _break(chosen, family, drift, size, rng)
    return chosen


def absent(seconds: np.ndarray, hours: float) -> np.ndarray:
    """Tell of times (n,), in seconds since a midnight, whether they are of the hours that do not come any more."""
    hour = (seconds // _SECONDS_PER_HOUR).astype(np.int64) % 24
    return np.asarray((hour >= _FIRST_HOUR) & (hour < _FIRST_HOUR + round(hours)))


def simulated_family(model: str) -> ModelFamily:
    """Return the family of a model by any of its names.

    Raises
    ------
    UsageError
        Its rows cannot be simulated: only those of data sets that ship can.
    """
    name = _simulated_name(model)
    return model_family(name) if name in family_names() else _declared_family(name)


@cache
def _declared_family(name: str) -> ModelFamily:
    """Return the family on a data set that ships as a declaration, as its simulated rows are."""
    made_by, declared = simulator(name), find_dataset(name)
    if made_by is None:
        raise UsageError(f"Rows of the data set '{name}' cannot be simulated.", "Send rows of your own.")
    with tempfile.TemporaryDirectory(prefix="fusionguard-traffic-") as folder:
        rows = simulate_declared(name, Wanted(_FEW_ROWS, made_by.usual_seed), Path(folder) / "raw.parquet")
        described = resolve(declared, rows)
    return replace(model_family(declared.declaration.problem).on(described), drifting=made_by.drifting)


def _simulated_names() -> list[str]:
    return [*(each for each in family_names() if model_family(each).drifting is not None), *declared_names()]


def _simulated_name(model: str) -> str:
    name, simulated = plain_name(model), _simulated_names()
    if name not in simulated:
        raise UsageError(f"Rows of the model '{name}' cannot be simulated.", f"Choose one of {', '.join(simulated)}.")
    return name


def _drifting(family: ModelFamily) -> Drifting:
    if family.drifting is None:
        raise UsageError(f"Rows of the model '{family.model}' cannot be simulated.", "Send rows of your own.")
    return family.drifting


def _sizes(name: str) -> Mapping[Drift, float]:
    made_by = simulator(name)
    drifting = model_family(name).drifting if made_by is None else made_by.drifting
    return {} if drifting is None else drifting.sizes


def _seconds(rows: pd.DataFrame, family: ModelFamily) -> np.ndarray:
    """Return when rows happened (n,), in seconds since a midnight."""
    if family.declared is None or family.declared.declaration.time is None:
        return np.asarray(rows[str(family.features.span_column)], dtype=float)
    moments = pd.to_datetime(rows[family.declared.declaration.time.column])
    return np.asarray((moments - moments.min().normalize()).dt.total_seconds())


def _chances(pool: pd.DataFrame, family: ModelFamily, drift: Drift, size: float) -> np.ndarray | None:
    """Return the chances (n,) with which rows are chosen; None where all have the same."""
    where = _drifting(family)
    if drift is Drift.COVARIATE_SHIFT:
        return _tilt(pool[where.shifted].to_numpy(float), size)
    if drift is Drift.LARGER_AMOUNTS:
        return _tilt(pool[where.amount].to_numpy(float), size)
    if drift is Drift.OTHER_MIX:
        wanted = where.wanted(pool).to_numpy()
        return np.asarray(np.where(wanted, size / wanted.sum(), (1 - size) / (~wanted).sum()))
    return None


def _tilt(values: np.ndarray, size: float) -> np.ndarray:
    """Return chances (n,) by exponential tilting, just as strong as moves the mean by ``size`` standard deviations."""
    from scipy.optimize import brentq

    deviations = np.clip((values - values.mean()) / values.std(), -4, 4)

    def chances(strength: float) -> np.ndarray:
        weights = np.exp(strength * deviations)
        return np.asarray(weights / weights.sum())

    strength = brentq(lambda strength: chances(strength) @ deviations - size, 0.0, 5.0)
    return chances(strength)


def _new_pattern(rows: pd.DataFrame, family: ModelFamily, size: float, rng: np.random.Generator) -> None:
    """Turn so many of all rows, among those the model holds for safe, into positives."""
    safe = (rows[family.schema.label] == 0) & _drifting(family).safe(rows)
    places = np.flatnonzero(safe.to_numpy())
    turned = rng.choice(places, min(round(size * len(rows)), places.size), replace=False)
    rows.loc[turned, family.schema.label] = 1


def _break(rows: pd.DataFrame, family: ModelFamily, drift: Drift, size: float, rng: np.random.Generator) -> None:
    """Do to rows what broken systems before the model do."""
    hit, where = rng.random(len(rows)) < size, _drifting(family)
    if drift is Drift.FROZEN_FEATURE:
        rows.loc[hit, where.frozen] = rows[where.frozen].iloc[0]
    elif drift is Drift.SPIKE:
        rows.loc[hit, where.spiked] = 0.0
    elif drift is Drift.SWAPPED_FEATURES:
        one, other = where.swapped
        rows.loc[hit, [one, other]] = rows.loc[hit, [other, one]].to_numpy()
    elif drift is Drift.ROUNDED_FEATURE:
        rows[where.rounded] = np.round(rows[where.rounded] / size) * size
    elif drift is Drift.CONSTANT_SHIFT:
        name, column = where.displaced, rows[where.displaced]
        moved = column + size * column.std()
        most = family.features.limits[name][1]
        rows[name] = moved if column.dtype.kind == "f" else np.minimum(moved.round(), most).astype("int64")
    elif drift is Drift.BURST:
        _repeat(rows, round(size * len(rows)), family, rng)


def _repeat(rows: pd.DataFrame, copies: int, family: ModelFamily, rng: np.random.Generator) -> None:
    """Make the first rows copies of one, whose numbers with a fraction differ by a hundredth of their deviation."""
    copied = range(min(copies, len(rows)))
    for name in rows.columns:
        value = rows[name].iloc[0]
        if rows[name].dtype.kind != "f" or name == family.features.span_column or value == 0:
            rows.loc[rows.index[: len(copied)], name] = value
            continue
        made = value + _JITTER * rows[name].std() * rng.standard_normal(len(copied))
        rows.loc[rows.index[: len(copied)], name] = _money(made, family, name) if name in _drifting(family).money else made


def _money(values: np.ndarray, family: ModelFamily, name: str) -> np.ndarray:
    """Return amounts (n,) in whole cents, within what a service takes."""
    return np.asarray(np.round(np.clip(values, *family.features.limits[name]), 2))
