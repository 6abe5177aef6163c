"""What a window is compared with: the distributions the champion was trained on, as its bundle or counted rows tell them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fusionguard.datasets.history import window_features
from fusionguard.datasets.prepared_names import CLOCK
from fusionguard.errors import BundleError
from fusionguard.evaluation.scored import SECONDS_PER_DAY
from fusionguard.families.family import ModelFamily
from fusionguard.families.of_bundle import family_of
from fusionguard.features.calendar import CYCLE_DAYS
from fusionguard.features.definition import FeatureDefinition
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_profile import PROFILE
from fusionguard.monitoring.distributions import (
    CategoryReference,
    Counts,
    NumberReference,
    category_reference,
    number_reference,
)

PROBABILITY = "probability"
"""The profile's column of calibrated probabilities. The score is a monotone function of them, so that both drift alike."""

ASSUMED_ROWS = 5_000
"""How many rows a reference is taken to rest on where nobody says: few, which errs to the quiet side."""

CYCLE_SECONDS = 7 * SECONDS_PER_DAY
"""From this length on, the part of a day that a span has too much does not matter."""

_CYCLES = 4
"""So many cycles of a calendar feature must have been seen for the part of one that a span has too much not to matter."""

Reading = tuple[str, str]
"""What a comparison of all rows is called: its kind and its subject."""

_WORDS = re.compile(r"\w+")

_REMEDY = "Train the model again with run.py."


@dataclass(frozen=True)
class Reference:
    """What a window is compared with; make one with :func:`profile_reference`, or of a sketch by :func:`~.counted.as_reference`.

    Parameters
    ----------
    family
        The model family.
    rows
        How many rows the distributions rest on.
    numbers, categories
        By column, the model's features.
    probability
        The calibrated probabilities.
    flagged
        How many of how many rows the model flags, or None where nobody has counted.
    segments
        By segmentation and segment, the reference's rows in it; empty where only a profile is known.
    sample
        Rows of model features for the classifier test, or None.
    unjudged
        Columns that are reported and not judged, because the reference itself does not show them whole.
    unseen
        What probabilities and alert rates are compared with, where that is not this: rows that the model was not fitted on, for
        on those that it was, it is surer than it can be. Its bins of probabilities are this one's.
    design_effect
        By how many times counts of rare rows vary more than those of independent rows (:func:`~.reference_rows.design_effect`).
    usual
        The largest effects that spans of the training showed without a drift, by comparison
        (:func:`~.earlier_spans.against_earlier_spans`): less than some times as much is no finding.
    """

    family: ModelFamily
    rows: int
    numbers: dict[str, NumberReference]
    categories: dict[str, CategoryReference]
    probability: NumberReference
    flagged: tuple[int, int] | None = None
    segments: dict[tuple[str, str], Counts] = field(default_factory=dict)
    sample: pa.Table | None = None
    unjudged: frozenset[str] = frozenset()
    unseen: Reference | None = None
    design_effect: float = 1.0
    usual: Mapping[Reading, float] = field(default_factory=dict)

    @property
    def scores(self) -> Reference:
        """What probabilities and alert rates are compared with."""
        return self.unseen or self


def profile_reference(bundle: Bundle, *, rows: int | None = None, flagged: tuple[int, int] | None = None) -> Reference:
    """Read the reference profile of a bundle.

    Its percentiles say what lies between them, not more: the share of a value is known to one percent, which
    ``NumberReference.resolution`` carries into the tests. It has neither segments nor rows for the classifier test.
    What share of the rows has no value it does not tell, so that this is not judged of columns that may have none.
    Of rows with a time it tells of the train slice, the earliest part of the data, from which whole days differ in truth: see
    :func:`~.counted.table_reference`.

    Parameters
    ----------
    bundle
        The champion's, whose files have been checked.
    rows
        How many rows it was trained on; :data:`ASSUMED_ROWS` by default.
    flagged
        How many of how many rows the model flagged when it was evaluated.

    Raises
    ------
    BundleError
        The bundle has no profile, or one that does not hold what the family's features need.
    """
    family = family_of(bundle)
    if PROFILE not in bundle.manifest.files:
        raise BundleError(f"The bundle '{bundle.folder.name}' has no {PROFILE}.", _REMEDY)
    try:
        profile = pq.read_table(bundle.folder / PROFILE).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise BundleError(f"{PROFILE} in the bundle '{bundle.folder.name}' cannot be read.", _REMEDY) from error
    known, words = family.features.known, family.features.words
    categorical = [name for name in family.features.model_features if name in known]
    names = [name for name in (*family.features.model_features, PROBABILITY) if name not in known]
    optional = optional_features(family.features)
    read = {name: _number(name, profile, bundle, words.get(name, ""), name in optional) for name in names}
    numbers = {name: number for name, number in read.items() if number is not None}
    if PROBABILITY not in numbers:
        raise BundleError(f"{PROFILE} in the bundle '{bundle.folder.name}' lacks the percentiles of '{PROBABILITY}'.", _REMEDY)
    return Reference(
        family=family,
        rows=ASSUMED_ROWS if rows is None else rows,
        numbers={name: number for name, number in numbers.items() if name != PROBABILITY},
        categories={
            name: replace(each, missing=np.nan) if name in optional else each
            for name in categorical
            for each in [_category(name, family.features, profile, bundle)]
        },
        probability=numbers[PROBABILITY],
        flagged=flagged,
        unjudged=uneven(family, trained_seconds(bundle)),
    )


def trained_seconds(bundle: Bundle) -> float:
    """Return the length of the span that the model was fitted on; 0 where rows have no time."""
    return float(np.ptp(bundle.manifest.train_range_seconds or (0, 0)))


def uneven(family: ModelFamily, seconds: float) -> frozenset[str]:
    """Return the columns that rows of a span of so many seconds do not show whole: some hours, days or months too often."""
    features = family.features
    cycles = {name: _CYCLES * CYCLE_DAYS[name] * SECONDS_PER_DAY for name in calendar_features(features)}
    if features.hour_column is not None:
        cycles[features.hour_column] = CYCLE_SECONDS
    return frozenset(name for name, least in cycles.items() if seconds < least)


def optional_features(features: FeatureDefinition) -> frozenset[str]:
    """Return the columns that may be without a value."""
    return frozenset(name for name, node in features.parsed_rows.outputs.items() if node.nullable)


def past_features(family: ModelFamily) -> dict[str, str]:
    """Return the model features that tell what happened before a row, those of declared windows, with whose past it is."""
    declared = family.declared
    return {} if declared is None else {each.name: each.entity for each in window_features(declared.declaration)}


def calendar_features(features: FeatureDefinition) -> tuple[str, ...]:
    """Return the model features that are read off the clock alone."""
    return tuple(name for name in features.model_features if name in CYCLE_DAYS and features.made_of.get(name) == (CLOCK,))


def uneven_cuts(family: ModelFamily, columns: frozenset[str]) -> frozenset[str]:
    """Return the names of the segmentations that such columns make: they are filled unevenly, too."""
    cuts = family.features.log_segmentations
    return frozenset(cut.name for cut in cuts if columns & set(_WORDS.findall(cut.expression)))


def _number(name: str, profile: list[dict[str, Any]], bundle: Bundle, words: str, is_optional: bool) -> NumberReference | None:
    """Return what a column's percentiles say; None where no row had a value, which only an optional one can be."""
    found = sorted(
        (row["quantile"], row["value"]) for row in profile if row["column"] == name and row.get("quantile") is not None
    )
    if not found and is_optional:
        return None
    if len(found) < 2 or not np.isfinite([value for _, value in found]).all():
        raise BundleError(f"{PROFILE} in the bundle '{bundle.folder.name}' lacks the percentiles of '{name}'.", _REMEDY)
    missing = np.nan if is_optional else 0.0
    return number_reference(name, np.array([value for _, value in found], dtype=np.float64), missing=missing, words=words)


def _category(name: str, features: FeatureDefinition, profile: list[dict[str, Any]], bundle: Bundle) -> CategoryReference:
    found = {row["category"]: row["value"] for row in profile if row["column"] == name}
    if set(features.known[name]) - set(found):
        raise BundleError(f"{PROFILE} in the bundle '{bundle.folder.name}' lacks the shares of '{name}'.", _REMEDY)
    shares = {value: found[value] for value in features.known[name]}
    return category_reference(name, shares, gathered=name in features.gathered, words=features.words.get(name, ""))
