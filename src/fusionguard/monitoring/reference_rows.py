"""Rows to compare with, kept beside a model when it is trained: what its bundle's percentiles cannot tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fusionguard.data.table import Table
from fusionguard.datasets.history import window_features
from fusionguard.evaluation.scored import Floats, Integers
from fusionguard.families.family import ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.families.training_rows import TrainingRows
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.counted import table_reference
from fusionguard.monitoring.reference import Reference, profile_reference, trained_seconds, uneven

FILE = "reference.parquet"
"""Its name in the folder of a model version."""

ROWS = 80_000
"""At most so many rows are kept of each kind: that is enough for deciles, segments, a classifier and rare alerts."""

UNSEEN = "unseen"
"""True for a row that the model was not fitted on: its scores alone show how the model scores."""

_KEY, _SHARE = b"design_effect", b"share"
_POSITIVES_A_BLOCK = 3.0
_FEWEST_POSITIVES = 60


def reference_rows(model: ScoringModel, rows: TrainingRows, *, seed: int, delivered: ScoringModel | None = None) -> pa.Table:
    """Return rows as the log has them: model features, ``probability``, ``decision`` and ``unseen``.

    They come from the whole table, for what rows look like and how they score at any hour; each is drawn by its weight, so that a
    file that lacks rows of label 0 has the shares it would have without that. Rows that were not fitted on and are like the whole
    come again, marked as unseen, where the plan has some. Where rows have an order of time they are in that order, and carry the
    design effect of the positives, which may come in campaigns. Of models that read what happened before, rows are left out whose
    longest window begins before the table does: their counts are of a part of it (:func:`whole_windows`).

    Parameters
    ----------
    model
        The one that was evaluated, and has not seen all rows.
    delivered
        The one that answers, if it was fitted anew on all rows: it spreads its probabilities a little differently, and what it
        says of any row here is surer than it can be. The probabilities of unseen rows are then carried over to it, see
        :func:`carried_over`; decisions stay those of ``model``.
    """
    definition = rows.definition
    label = rows.features.read([definition.label])[definition.label].to_numpy().astype(np.int8)
    weight = np.where(label == 0, rows.manifest.negative_weight, 1.0)
    unseen = rows.plan.unseen_places(rows.features)
    whole = whole_windows(rows, family_of(model.bundle))
    drawn = _rows(model, delivered, rows.features, (whole, unseen), (weight[whole], weight[unseen]), seed)
    share = (drawn.num_rows - min(unseen.size, ROWS)) / float(weight[whole].sum())
    drawn = drawn.replace_schema_metadata({_SHARE: repr(min(1.0, share)).encode()})
    return drawn if definition.span_column is None else with_design_effect(drawn, design_effect(label))


def whole_windows(rows: TrainingRows, family: ModelFamily) -> Integers:
    """Return the places of the rows whose longest window lies within the table; of all where that were less than half of them."""
    declared, time, count = family.declared, rows.definition.time_column, rows.features.rows
    everything = np.arange(count)
    if declared is None or time is None or not declared.declaration.windows:
        return everything
    seconds = rows.features.read([time])[time].to_numpy()
    longest = max(each.span.tile_seconds * each.span.tiles for each in window_features(declared.declaration))
    places = np.flatnonzero(seconds >= seconds.min() + longest)
    return places if 2 * places.size >= count else everything


def carried_over(probability: Floats, before: Floats, after: Floats) -> Floats:
    """Return probabilities (n,) of one model as another one would spread them, in the same order.

    Each becomes the quantile of ``after`` at its place in ``before``: what the two models say of (m,) rows on which both, or
    neither, were fitted, so that being fitted moves both alike. Equal ones are spread over the quantiles that they stand for.
    """
    order, known = np.argsort(probability, kind="stable"), np.sort(before)
    ranked = probability[order]
    low, high = (np.searchsorted(known, ranked, side) / known.size for side in ("left", "right"))
    first, last = (np.searchsorted(ranked, ranked, side) for side in ("left", "right"))
    level = low + (high - low) * (np.arange(ranked.size) - first + 0.5) / (last - first)
    carried = np.empty_like(probability)
    carried[order] = np.quantile(after, level)
    return carried


def kept_reference(bundle: Bundle, rows: Table | None, *, scratch: Path, seed: int) -> Reference:
    """Return what a window is compared with: the rows that were kept, or where there are none, the bundle's profile.

    A profile tells of the earliest part of the data alone; windows that are not drifted may differ from it.
    """
    if rows is None:
        return profile_reference(bundle)
    family, table = family_of(bundle), rows.read()
    unseen = table.filter(table[UNSEEN]).drop_columns(UNSEEN)
    counted = table_reference(fitted_rows(rows), family, scratch=scratch, seed=seed)
    # The rows that were kept have no time of their own: the bundle knows how long they span at least.
    whole = replace(counted, design_effect=kept_design_effect(rows), unjudged=uneven(family, trained_seconds(bundle)))
    if not unseen.num_rows:
        return whole
    scored = table_reference(unseen, family, scratch=scratch, seed=seed)
    return replace(whole, probability=scored.probability, unseen=scored)


def scored_rows(rows: Table, columns: list[str]) -> pa.Table:
    """Return some columns of the kept rows by which scores are judged: those that were not fitted on, where there are any."""
    table = rows.read([*columns, UNSEEN])
    unseen = table.filter(table[UNSEEN])
    return (unseen if unseen.num_rows else table).drop_columns(UNSEEN)


def fitted_rows(rows: Table) -> pa.Table:
    """Return the kept rows that the model may have been fitted on, in their order: all but those that come again as unseen."""
    table = rows.read()
    return table.filter(pc.invert(table[UNSEEN])).drop_columns(UNSEEN)


def kept_share(rows: Table) -> float:
    """Return how many rows were kept for each row of the table, at most 1; 1 where older versions do not say."""
    return float((rows.schema.metadata or {}).get(_SHARE, b"1"))


def design_effect(label: NDArray[np.int8]) -> float:
    """Return by how many times the number of positives varies more than that of independent ones would, at least 1.

    Rows are cut, in their order, into blocks that hold about three positives. Between independent rows the variance of a block's
    count is its mean; what it is more is the design effect (Kish, *Survey Sampling*, 1965, section 5.4), by which chi-squared
    tests of clustered counts are to be divided (Rao and Scott, "A simple method for the analysis of clustered binary data",
    Biometrics 48, 1992). The variance is taken from the differences of neighbouring blocks, so that a slow rhythm, such as that
    of the day, does not count (von Neumann et al., "The mean square successive difference", Ann. Math. Stat. 12, 1941).

    Parameters
    ----------
    label
        (n,) outcomes in order of time. Of fewer than 60 positives nothing can be told, and 1 is returned.
    """
    positives = int(label.sum())
    if positives < _FEWEST_POSITIVES:
        return 1.0
    borders = np.linspace(0, label.size, round(positives / _POSITIVES_A_BLOCK) + 1).astype(np.int64)[:-1]
    count = np.add.reduceat(label.astype(np.float64), borders)
    return max(1.0, float(np.mean(np.diff(count) ** 2) / 2 / count.mean()))


def with_design_effect(rows: pa.Table, effect: float) -> pa.Table:
    """Return rows that carry a design effect as metadata."""
    return rows.replace_schema_metadata({**(rows.schema.metadata or {}), _KEY: repr(effect).encode()})


def kept_design_effect(rows: Table) -> float:
    """Return the design effect that rows carry; 1 where they carry none, as those that older versions kept."""
    return float((rows.schema.metadata or {}).get(_KEY, b"1"))


def _rows(
    model: ScoringModel,
    delivered: ScoringModel | None,
    features: Table,
    places: tuple[np.ndarray, np.ndarray],
    weights: tuple[np.ndarray, np.ndarray],
    seed: int,
) -> pa.Table:
    """Return rows drawn from two lists of places, the second of which is of those that the model has not seen."""
    rng = np.random.default_rng(seed)
    chosen = [_draw(own, weight, rng) for own, weight in zip(places, weights, strict=True)]
    names = list(family_of(model.bundle).features.model_features)
    rows = features.read(names).take(np.concatenate(chosen))
    answer = model.answer_features(rows)
    flags = np.repeat([False, True], [drawn.size for drawn in chosen])
    probability = answer["probability"].to_numpy().copy()
    fitted = ~flags & ~np.isin(np.concatenate(chosen), places[1])
    if delivered is not None and flags.any():
        after = delivered.answer_features(rows.filter(fitted))["probability"].to_numpy()
        probability[flags] = carried_over(probability[flags], probability[fitted], after)
    rows = rows.append_column("probability", pa.array(probability)).append_column("decision", answer["decision"])
    return rows.append_column(UNSEEN, pa.array(flags)).combine_chunks()


def _draw(places: np.ndarray, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw by weight; where all weigh the same and all fit, each once."""
    if places.size <= ROWS and np.unique(weight).size <= 1:
        return places
    return np.sort(rng.choice(places, min(ROWS, places.size), p=weight / weight.sum()))
