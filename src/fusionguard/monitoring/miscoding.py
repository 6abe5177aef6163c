"""Is a feature coded the wrong way round? With its values exchanged, the model would then agree better with the outcomes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.datasets.prepared_names import OTHER
from fusionguard.evaluation.scored import Floats
from fusionguard.families.family import LABEL, ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.monitoring.findings import Check
from fusionguard.monitoring.thresholds import MonitoringThresholds

MOST_ROWS = 20_000
"""Rows are scored once for each pair of values that is exchanged; so many show it."""

MOST_CODES, MOST_PAIRS = 8, 80

_LEAST = 1e-6
_UNEXPLAINED = 0.05


def coded_features(family: ModelFamily) -> dict[str, tuple[object, ...]]:
    """Return the raw features of few values, with these: categories and flags. What is computed of others follows from them.

    Features of more than :data:`MOST_CODES` values are none, and of all those of the fewest are taken that make no more than
    :data:`MOST_PAIRS` pairs: nobody writes so many codes by hand that two of them could change places.
    """
    features = family.features
    flags: dict[str, tuple[object, ...]] = {name: (0, 1) for name, limits in features.limits.items() if limits == (0, 1)}
    known = {
        name: tuple(value for value in values if value != OTHER or name not in features.gathered)
        for name, values in features.known.items()
    }
    found = {name: values for name, values in {**known, **flags}.items() if name in features.model_features}
    few = {name: values for name, values in found.items() if 2 <= len(values) <= MOST_CODES}
    pairs, kept = 0, {}
    for name, values in sorted(few.items(), key=lambda each: len(each[1])):
        pairs += len(values) * (len(values) - 1) // 2
        if pairs <= MOST_PAIRS:
            kept[name] = values
    return {name: values for name, values in found.items() if name in kept}


def miscoding_checks(rows: pa.Table, model: ScoringModel, limits: MonitoringThresholds, *, seed: int) -> Iterator[Check]:
    """Yield a check for each feature of few values: are two of them exchanged?

    Where two codes are swapped, a column's shares may stay about the same and outcomes hardly disagree with all probabilities
    together. But they would agree better with those that the model gives to the same rows with the codes swapped back. The effect
    is the share of the window's log loss that this saves, the chance that of a paired z-test on the rows' log losses, for the
    pair of values that saves most and of all rows or their later half, times as many as were looked at. Of a model that is right,
    swapping only costs: by the Kullback-Leibler divergence of its two answers. Where outcomes still disagree by more than was
    saved, they follow from the features otherwise than they did, which no swap explains: such a check is not judged. (A model
    that is right has the log loss that its own probabilities expect, their entropy.)

    Parameters
    ----------
    rows
        Labelled rows in order of time, with ``probability``, ``label`` and all model features.
    limits
        ``minimum_positives`` of each class are needed, in the later half, too.
    seed
        Where the draw of :data:`MOST_ROWS` starts.
    """
    if rows.num_rows > MOST_ROWS:
        rows = rows.take(np.sort(np.random.default_rng(seed).choice(rows.num_rows, MOST_ROWS, replace=False)))
    label = rows[LABEL].to_numpy().astype(np.float64)
    later = np.arange(label.size) >= label.size // 2
    parts = [part for part in (np.ones_like(later), later) if _enough(label[part], limits.minimum_positives)]
    if not parts:
        return
    family = family_of(model.bundle)
    as_logged, words = _log_loss(label, rows["probability"].to_numpy()), family.features.words
    for name, values in coded_features(family).items():
        read = []
        for one, other in itertools.combinations(values, 2):
            answer = _answer(rows, model, name, one, other)
            would_be = _log_loss(label, answer)
            saved, left = as_logged - would_be, would_be - _entropy(answer)
            found = f"'{one}' and '{other}' of {words.get(name, name)} look exchanged"
            read += [_check(name, found, as_logged[part], saved[part], left[part], limits) for part in parts]
        best = max(read, key=lambda check: (check.judged, check.effect >= check.act, -check.chance))
        yield replace(best, chance=min(1.0, len(read) * best.chance), words=words.get(name, ""))


def _enough(label: Floats, least: int) -> bool:
    return min(float(label.sum()), label.size - float(label.sum())) >= least


def _answer(rows: pa.Table, model: ScoringModel, name: str, one: object, other: object) -> Floats:
    """Return the probabilities (n,) of the same rows with two values of a feature exchanged."""
    column = rows[name]
    first, second = (pa.scalar(value, column.type) for value in (one, other))
    exchanged = pc.if_else(pc.equal(column, first), second, pc.if_else(pc.equal(column, second), first, column))
    names = list(family_of(model.bundle).features.model_features)
    changed = rows.set_column(rows.column_names.index(name), name, exchanged).select(names)
    return np.asarray(model.answer_features(changed)["probability"].to_numpy(), dtype=np.float64)


def _check(name: str, found: str, loss: Floats, saved: Floats, left: Floats, limits: MonitoringThresholds) -> Check:
    effect = float(saved.mean()) / max(float(loss.mean()), _LEAST)
    return Check(
        kind="miscoded",
        subject=name,
        effect=effect,
        watch=limits.miscoded_act,
        act=limits.miscoded_act,
        chance=_chance_above_0(saved),
        sentence=f"{found}: with them the other way round, the model's log loss would be {100 * effect:.1f} % lower",
        judged=_chance_above_0(left - saved) > _UNEXPLAINED,
    )


def _chance_above_0(values: Floats) -> float:
    """Return how often values (n,) whose mean is 0 have one as high as these."""
    from scipy.special import ndtr

    error = float(values.std(ddof=1)) / np.sqrt(values.size)
    return float(ndtr(-float(values.mean()) / error)) if error > 0 else 1.0


def _log_loss(label: Floats, probability: Floats) -> Floats:
    p = _inside(probability)
    return np.asarray(-(label * np.log(p) + (1 - label) * np.log(1 - p)), dtype=np.float64)


def _entropy(probability: Floats) -> Floats:
    return _log_loss(_inside(probability), probability)


def _inside(probability: Floats) -> Floats:
    return np.clip(probability, _LEAST, 1 - _LEAST)
