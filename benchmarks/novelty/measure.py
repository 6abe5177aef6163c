"""The protocol: learn without the frauds of one kind, and look for them in the first week in which they appear."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.novelty.published import derive_kinds
from benchmarks.novelty.signals import SIGNALS
from fusionguard.datasets.described import read_described
from fusionguard.datasets.prepared_names import GROUP, ROW, TIME
from fusionguard.datasets.reading import DeclaredDataset
from fusionguard.errors import UsageError
from fusionguard.evaluation.scored import SECONDS_PER_DAY, Floats, Integers
from fusionguard.families.fraud import presets
from fusionguard.families.fraud.boosting import fit_booster
from fusionguard.families.fraud.config import FraudConfig, XGBoostConfig
from fusionguard.families.fraud.rows import Encoding, ModelRows
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.store import build_features

_SEED = 7
_REMEMBERED_DAYS = 30
"""So much earlier than what is learned are the first rows that are kept: what they say of the past is all that features see."""
_QUICK = {"num_parallel_tree": 1, "rounds": 200}
"""One tree a round, and fewer rounds: all signals stand beside the same trees."""


@dataclass(frozen=True)
class Plan:
    """How many days are learned from, waited for and judged, in how many weeks, each so much earlier as days are judged."""

    learned_days: int = 28
    delay_days: int = 7
    judged_days: int = 7
    weeks: int = 3


@dataclass(frozen=True)
class Source:
    """The rows of a declared data set, with what each is: (n,) each.

    ``kind`` is empty where a row is no fraud; ``case`` names the fraud that it is part of, and ``day`` counts days.
    """

    declared: DeclaredDataset
    table: pa.Table
    kind: np.ndarray
    case: np.ndarray
    day: Integers

    @classmethod
    def read(cls, declared: DeclaredDataset, rows: Path, kinds: Path | None) -> Source:
        """Read a parquet file of rows, in order of time, and one of the ``kind`` and ``case`` of its frauds by their ids.

        Without the second, kinds are told apart by the rules of a published simulator (:mod:`benchmarks.novelty.published`).

        Raises
        ------
        UsageError
            The data set declares no id, no time or no entities, or the second file lacks a column.
        """
        declaration = declared.declaration
        if declaration.id is None or declaration.time is None or not declaration.entities:
            raise UsageError(
                f"{declaration.name} declares no id, no time or no entities.",
                "Kinds go by ids, weeks by times, and reviews by the first entity.",
            )
        table = pq.read_table(rows)
        seconds = np.asarray(table[declaration.time.column].to_numpy(), dtype="datetime64[s]").astype(np.int64)
        if kinds is None:
            return cls(declared, table, *derive_kinds(table, declaration), seconds // SECONDS_PER_DAY)
        truth = pq.read_table(kinds)
        if missing := {declaration.id, "kind", "case"} - set(truth.column_names):
            raise UsageError(f"{kinds} has no column {min(missing)}.", "Give each fraud's id, kind and case.")
        columns = (truth[name].to_pylist() for name in (declaration.id, "kind", "case"))
        known = {name: (kind, f"{kind} {case}") for name, kind, case in zip(*columns, strict=True)}
        told = np.array([known.get(name, ("", "")) for name in table[declaration.id].to_pylist()])
        return cls(declared, table, told[:, 0], told[:, 1], seconds // SECONDS_PER_DAY)


@dataclass(frozen=True)
class Judged:
    """The judged rows of a week: (n,) each, with the scores of trees that never saw the kind ``unseen``, and of each signal."""

    unseen: str
    owner: Integers
    day: Integers
    kind: np.ndarray
    case: np.ndarray
    trees: Floats
    signals: Mapping[str, Floats]


def measure(source: Source, plan: Plan) -> Iterator[Judged]:
    """Yield what is said of the rows of each week, for each kind by models that never saw it.

    Until the week, all payments of the kind are left out of the table, and so are later ones of cases that began before: neither
    rows nor what is remembered of the past have seen it.
    """
    for week in range(plan.weeks):
        cut = int(source.day.max()) - plan.judged_days * (week + 1)
        span = (source.day >= cut - plan.delay_days - plan.learned_days - _REMEMBERED_DAYS) & (
            source.day < cut + plan.judged_days
        )
        begun = np.isin(source.case, np.unique(source.case[source.day < cut]))
        for unseen in sorted(set(source.kind) - {""}):
            begin = time.monotonic()
            yield _judge(source, np.flatnonzero(span & ~(begun & (source.kind == unseen))), cut, plan, str(unseen))
            sys.stderr.write(f"week {week + 1}, {unseen}: {time.monotonic() - begin:.0f} s\n")


def _judge(source: Source, kept: Integers, cut: int, plan: Plan, unseen: str) -> Judged:
    made = _features(source, kept)
    place, day, owner, label = kept[made.place], made.day, made.owner, made.rows.label
    stop = cut - plan.delay_days
    # Outcomes of the days before the cut are not known yet; a card of which a fraud was known by then is blocked.
    learned = np.flatnonzero((day >= stop - plan.learned_days) & (day < stop))
    blocked = np.unique(owner[(label == 1) & (day >= stop - plan.judged_days) & (day < cut)])
    asked = np.flatnonzero((day >= cut) & ~np.isin(owner, blocked))
    known, unknown = made.rows.part(learned), made.rows.part(asked)
    config = presets.settle_settings(source.declared.declaration, FraudConfig().xgboost).part("xgboost", XGBoostConfig)
    one_of_each = known.part(np.unique(known.label, return_index=True)[1])  # no round is left out, so none need be read
    trees = fit_booster(known, one_of_each, config.model_copy(update=_QUICK), seed=_SEED, threads=1)
    margin = np.asarray(trees.inplace_predict(unknown.x, predict_type="margin", validate_features=False), dtype=np.float64)
    signals = {name: learn(known, unknown, trees, made.definition, _SEED) for name, learn in SIGNALS.items()}
    return Judged(unseen, owner[asked], day[asked], source.kind[place[asked]], source.case[place[asked]], margin, signals)


@dataclass(frozen=True)
class _Features:
    """The rows as models read them, with their place among those that they were made of, their day and their owner: (n,) each."""

    rows: ModelRows
    definition: FeatureDefinition
    place: Integers
    day: Integers
    owner: Integers


def _features(source: Source, kept: Integers) -> _Features:
    with tempfile.TemporaryDirectory(prefix="fusionguard-bench-") as temporary:
        folder = Path(temporary)
        file = folder / "rows.parquet"
        pq.write_table(source.table.take(pa.array(kept)), file)
        found, described = read_described(source.declared, str(file), folder / "raw", rows=0, seed=_SEED, earliest=1.0)
        built = build_features(found.table, found.provenance, "duckdb", folder / "store", described)
        definition = built.manifest.definition
        encoding = Encoding.of(definition)
        read = built.table.read([*encoding.names, definition.label, TIME, GROUP, ROW])
    label = read[definition.label].to_numpy().astype(np.int8)
    rows = ModelRows(encoding.matrix(read), label, np.ones(len(label)), encoding)
    return _Features(rows, definition, read[ROW].to_numpy(), read[TIME].to_numpy() // SECONDS_PER_DAY, read[GROUP].to_numpy())
