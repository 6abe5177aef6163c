"""The fraud model's trees on folds in time, beside the references: trained anew for each on what was known by then."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from fusionguard.data.table import Table
from fusionguard.datasets.declaration import Declaration, Validation, whole_days
from fusionguard.errors import DataError, UsageError
from fusionguard.evaluation.planned_rows import NEVER, planned_rows
from fusionguard.evaluation.prequential.folds import (
    DatedRows,
    PrequentialFold,
    PrequentialPlan,
    has_days,
    learned_rows,
    prequential_folds,
    wait_days,
)
from fusionguard.evaluation.prequential.judge import FoldedRows, judge_folds
from fusionguard.evaluation.prequential.reading import JudgedRows
from fusionguard.evaluation.prequential.report import PrequentialReport
from fusionguard.evaluation.scored import SECONDS_PER_DAY, Flags, Floats, Integers
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.boosting import fit_booster
from fusionguard.families.fraud.config import PrequentialConfig, XGBoostConfig
from fusionguard.families.fraud.references import fit_references
from fusionguard.families.fraud.report import FRAUD_MODEL
from fusionguard.families.fraud.rows import Encoding, ModelRows, amounts
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.store import FeatureManifest

_log = logging.getLogger(__name__)


def validate_forward(
    features: Table,
    manifest: FeatureManifest,
    split: SplitPlan,
    xgboost: XGBoostConfig,
    config: PrequentialConfig,
    *,
    samples: int,
    seed: int,
) -> PrequentialReport:
    """Train and judge on the folds that the data set declares.

    A model is the family's trees with the run's settings, ``config.num_parallel_tree`` a round and no early stopping;
    where windows remember what happened before, features are as of each row, so that no fold sees a later one.

    Parameters
    ----------
    split
        The run's slices: folds that are declared to end before the test slice end with the last whole day before it.
    xgboost
        What the trees are trained with.
    samples, seed
        How many draws of owners intervals rest on, and the seed of these and of the trees.

    Raises
    ------
    UsageError
        The data set declares no validation.
    DataError
        There are too few days for the folds, or too few rows of a class in one.
    """
    declaration, validation = _declared(manifest)
    rows = _dated(features, manifest.definition)
    plan = prequential_plan(validation, declaration, rows, split)
    trainer = _Trainer(features, manifest, rows, plan, _settings(xgboost, config), seed)
    folds = prequential_folds(rows, plan)
    folded = FoldedRows(
        rows,
        plan,
        folds,
        judged=[trainer.judged(fold) for fold in folds],
        by=str(declaration.owner),
        checked=validation.k,
        edges=_amount_edges(declaration),
    )
    scores = trainer.scores(folds)
    older = {days: [trainer.older(fold, days) for fold in folds] for days in config.retraining_days}
    report = judge_folds(
        folded,
        FRAUD_MODEL,
        scores,
        older,
        simulated=manifest.simulated or declaration.simulated,
        sampled=manifest.negative_sampling_rate < 1,
        test_day=_test_day(split),
        samples=samples,
        seed=seed,
    )
    _log.info("folds in time: %s", report.sentence())
    return report


def prequential_plan(validation: Validation, declaration: Declaration, rows: DatedRows, split: SplitPlan) -> PrequentialPlan:
    """Return what a declaration asks for, in days: the wait as outcomes are known, unless it says another one."""
    known = declaration.label.known
    wait = validation.wait or (known.after if known is not None else None)
    return PrequentialPlan(
        learned_days=validation.learned_days,
        wait_days=wait_days(rows) if wait is None else whole_days(wait),
        judged_days=whole_days(validation.test),
        folds=validation.folds,
        blocked_days=validation.blocked_days(known),
        stop_day=_test_day(split) if validation.until == "test" else None,
    )


def _declared(manifest: FeatureManifest) -> tuple[Declaration, Validation]:
    described = manifest.described
    if described is None or described.declaration.validation is None:
        raise UsageError(f"The data set {manifest.dataset} declares no validation.", "Add `validation: {}` to its declaration.")
    return described.declaration, described.declaration.validation


def _dated(features: Table, definition: FeatureDefinition) -> DatedRows:
    planned = planned_rows(features, definition)
    group = definition.group_column
    if planned.seconds is None or group is None:
        raise UsageError("Folds in time need rows with a time and an owner.", "Declare both, or remove validation.")
    owner = features.read([group])[group].to_numpy().astype(np.int64)
    return DatedRows(planned.label, planned.seconds, owner, planned.known, _told(features, definition.told_column))


def _told(features: Table, column: str | None) -> Integers | None:
    """Return when outcomes themselves were told (n,), ``NEVER`` where that is not dated; None where no outcome is."""
    if column is None:
        return None
    if column not in features.columns:
        raise DataError(
            "The feature table was made by an earlier version: it does not tell the date of each outcome.",
            "Build it again with `--no-cache`.",
        )
    told = features.read([column])[column].combine_chunks().fill_null(NEVER)
    return np.asarray(told.to_numpy(zero_copy_only=False).astype(np.int64))


def _test_day(split: SplitPlan) -> int | None:
    first = split.test.first_second
    return None if first is None else first // SECONDS_PER_DAY


def _settings(xgboost: XGBoostConfig, config: PrequentialConfig) -> XGBoostConfig:
    changed = {"num_parallel_tree": config.num_parallel_tree, "early_stopping_rounds": None}
    return xgboost.model_copy(update=changed)


def _amount_edges(declaration: Declaration) -> tuple[float, ...] | None:
    """Return where the declared bands of the amount begin; None where there are none."""
    amount = declaration.amount
    return next((band.edges for band in declaration.bands.values() if amount is not None and band.column == amount.column), None)


@dataclass(frozen=True)
class _Trainer:
    """Trains models on rows of a table and asks them about others; one that was made on a day is made once."""

    features: Table
    manifest: FeatureManifest
    rows: DatedRows
    plan: PrequentialPlan
    settings: XGBoostConfig
    seed: int
    _made: dict[int, Callable[[np.ndarray], Floats]] = field(default_factory=dict)

    def judged(self, fold: PrequentialFold) -> JudgedRows:
        """Return the judged rows of a fold, without what models read."""
        rows, definition = self.rows, self.manifest.definition
        start, stop, flags = _run(fold.judged)
        amount = None
        if definition.amount is not None:
            amount = amounts(self.features.read([definition.amount], start, stop), definition)[flags]
        label = rows.label[fold.judged]
        weight = np.where(label == 0, self.manifest.negative_weight, 1.0)
        return JudgedRows(label, rows.owner[fold.judged], rows.day[fold.judged], weight, amount)

    def scores(self, folds: tuple[PrequentialFold, ...]) -> dict[str, list[Floats | None]]:
        """Return what the model and the references say of the judged rows of each fold."""
        found: dict[str, list[Floats | None]] = {}
        for fold in folds:
            asked, learned = self._read(fold.judged), self._read(fold.learned)
            fitted = {FRAUD_MODEL: self._trained(fold.made_day, learned), **fit_references(learned, self.seed)}
            for name, score in fitted.items():
                found.setdefault(name, []).append(score(asked.x))
        return found

    def older(self, fold: PrequentialFold, days: int) -> Floats | None:
        """Return what a model says of a fold's judged rows that was made so many days earlier; None where days are lacking."""
        made = fold.made_day - days
        if not has_days(self.rows, self.plan, made):
            return None
        learned = learned_rows(self.rows, self.plan, made)
        if not self.rows.label[learned].any() or self.rows.label[learned].all():
            return None
        score = self._made[made] if made in self._made else self._trained(made, self._read(learned))
        return score(self._read(fold.judged).x)

    def _trained(self, made_day: int, learned: ModelRows) -> Callable[[np.ndarray], Floats]:
        one_of_each = learned.part(np.array([np.argmax(learned.label == each) for each in (0, 1)]))  # nothing is read on it
        booster = fit_booster(learned, one_of_each, self.settings, seed=self.seed, threads=_threads())

        def score(x: np.ndarray) -> Floats:
            return np.asarray(booster.inplace_predict(x, predict_type="margin", validate_features=False), dtype=np.float64)

        self._made[made_day] = score
        return score

    def _read(self, which: Flags) -> ModelRows:
        definition = self.manifest.definition
        encoding = Encoding.of(definition)
        start, stop, flags = _run(which)
        rows = self.features.read([*encoding.names], start, stop).filter(flags)
        label = self.rows.label[which]
        return ModelRows(encoding.matrix(rows), label, np.where(label == 0, self.manifest.negative_weight, 1.0), encoding)


def _run(which: Flags) -> tuple[int, int, Flags]:
    """Return the first and the last row of some, and which of those between are among them: rows lie in order of time."""
    places = np.flatnonzero(which)
    start, stop = int(places[0]), int(places[-1]) + 1
    return start, stop, which[start:stop]


def _threads() -> int:
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
