"""One declared table: the untuned models beside the libraries' own defaults and the truth, on the same folds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from benchmarks.declared.tails import Place, Tails, compared, lightgbm_places, xgboost_places
from fusionguard.config import HoldoutConfig
from fusionguard.data.table import CARRIED
from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.described import read_described
from fusionguard.datasets.reading import read_declaration
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.holdout import Fold, HoldoutPlan, plan_holdout
from fusionguard.evaluation.planned_rows import PlannedRows, planned_rows
from fusionguard.evaluation.ranked import Ranking
from fusionguard.evaluation.readings import AVERAGE_PRECISION, ROC_AUC
from fusionguard.evaluation.ties import mean_interval
from fusionguard.families.churn import presets as churn_presets
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.families.churn.out_of_fold import (
    CANDIDATES,
    LIGHTGBM,
    Floats,
    Labels,
    OutOfFold,
    Scorer,
    choose_model,
    fit_folds,
    score_out_of_fold,
)
from fusionguard.families.churn.references import CATBOOST_DEFAULTS, LIGHTGBM_DEFAULTS, score_reference
from fusionguard.families.churn.rows import CustomerRows, read_customers
from fusionguard.families.fraud import presets as fraud_presets
from fusionguard.families.fraud.boosting import fit_booster
from fusionguard.families.fraud.config import FraudConfig, XGBoostConfig
from fusionguard.families.fraud.rows import Encoding, ModelRows
from fusionguard.families.fraud.sizes import LEAST_BINS, settled
from fusionguard.features.store import FeatureSet, build_features
from fusionguard.models.tuning.settings import TrainingSettings

XGBOOST = "XGBoost"
OWN_MODELS = {"churn": tuple(reversed(CANDIDATES)), "fraud": (XGBOOST,)}
"""By problem, what its pipeline fits with settings that nobody tuned to the table."""
TRUTH = "the truth's own ranking"
METRICS = (AVERAGE_PRECISION, ROC_AUC)


class TableQuality(BaseModel):
    """What was reached on one table."""

    model_config = ConfigDict(frozen=True)

    about: str
    """What its rows are, beside their number and whether a simulator made them."""
    simulated: bool
    rows: int
    share: float
    """Of the rows that are positive."""
    negatives_kept: float
    """The share of the negative rows that the table holds; metrics count one as often as it stands for."""
    folds: int
    timed: bool
    """Whether folds go forward in time."""
    chosen: str
    models: dict[str, dict[str, float]]
    """By model, the mean of each metric over the folds."""
    ahead: dict[str, Interval]
    """By metric, how far the chosen model is above the better of both libraries' defaults on the same folds."""
    tails: Tails | None = None
    """What other bins and another start would give; None where that was not measured."""

    @property
    def real_share(self) -> float:
        """Of the rows that were there before negative ones were left out, those that are positive."""
        return self.share / (self.share + (1 - self.share) / self.negatives_kept)


@dataclass(frozen=True)
class _Folded:
    """The development part of a declared table, as models read it."""

    declaration: Declaration
    built: FeatureSet
    plan: HoldoutPlan
    customers: CustomerRows
    rows: PlannedRows
    seed: int

    def fit(self, scorers: dict[str, Scorer]) -> OutOfFold:
        return fit_folds(self.customers, self.rows, self.plan.fold_places(self.rows), self.plan.repeats, scorers)

    def reference(self, name: str) -> dict[str, Scorer]:
        return {name: lambda rows, known, unseen: score_reference(name, rows, known, unseen, seed=self.seed)}


def measure_table(declaration: Path, about: str, folder: Path, *, folds: int, truth: Mapping[str, float] | None) -> TableQuality:
    """Cross-validate on the development part of a declared table; ``truth`` is each row's chance by its id, where known."""
    declared = read_declaration(declaration)
    holdout = HoldoutConfig(folds=folds, repeats=1, **_FOLDED_ROWS[declared.declaration.problem])
    config = ChurnConfig(holdout=holdout)
    found, described = read_described(
        declared, "auto", folder / "raw", rows=0, seed=config.seed, earliest=1 - config.holdout.test
    )
    built = build_features(found.table, found.provenance, "duckdb", folder / "store", described)
    definition = built.manifest.definition
    planned = planned_rows(built.table, definition)
    plan = plan_holdout(planned, built.manifest.features_sha256, config.holdout, seed=config.seed)
    folded = plan.folded_places(planned)
    customers, _ = read_customers(built.table, definition)
    table = _Folded(declared.declaration, built, plan, customers.take(folded), planned.take(folded), config.seed)
    scored, chosen = _MODELS[declared.declaration.problem](table)
    scores = dict(scored.scores)
    if truth is not None:
        ids = found.table.read([CARRIED])[CARRIED].to_pylist()
        scores[TRUTH] = [np.array([truth[str(name)] for name in ids])[folded]] * plan.repeats
    weight = built.manifest.negative_weight
    read = {name: read_folds(scored.label, each[0], scored.folds, weight) for name, each in scores.items()}
    ahead = {}
    for metric in METRICS:
        better = max((LIGHTGBM_DEFAULTS, CATBOOST_DEFAULTS), key=lambda name: float(read[name][metric].mean()))
        ahead[metric] = mean_interval(read[chosen][metric] - read[better][metric], plan.folds)
    return TableQuality(
        about=about,
        simulated=declared.declaration.simulated,
        rows=plan.rows,
        share=plan.positives / plan.rows,
        negatives_kept=built.manifest.negative_sampling_rate,
        folds=plan.folds,
        timed=plan.timed,
        chosen=chosen,
        models={name: {metric: float(each[metric].mean()) for metric in METRICS} for name, each in read.items()},
        ahead=ahead,
        tails=_tails(table, read),
    )


def _tails(table: _Folded, read: Mapping[str, dict[str, Floats]]) -> Tails | None:
    """Fit the trees that :mod:`benchmarks.declared.tails` compares with those that are ``read``; None of what has none."""
    problem = table.declaration.problem
    if problem not in _TAILS:
        return None
    name, own, others = _TAILS[problem](table)
    scored = table.fit({str(place): scorer for place, scorer in others.items()})
    weight = table.built.manifest.negative_weight
    found = {own: read[name][AVERAGE_PRECISION]}
    for place in others:
        found[place] = read_folds(scored.label, scored.scores[str(place)][0], scored.folds, weight)[AVERAGE_PRECISION]
    return compared(own, found, table.plan.folds)


def read_folds(label: Labels, scores: Floats, folds: Sequence[Fold], negative_weight: float) -> dict[str, Floats]:
    """Return each metric on each fold (k,) of ``label`` and ``scores`` (n,); a negative row counts ``negative_weight`` times."""
    weight = np.where(label == 0, negative_weight, 1.0)
    ranked = [(Ranking(label[places], scores[places]), weight[places]) for _, places in folds]
    return {
        AVERAGE_PRECISION: np.array([ranking.average_precision(each) for ranking, each in ranked]),
        ROC_AUC: np.array([ranking.roc_auc(each) for ranking, each in ranked]),
    }


def _churn(table: _Folded) -> tuple[OutOfFold, str]:
    """Fit what the churn pipeline chooses from, and choose as it does."""
    config = ChurnConfig(seed=table.seed)
    settings = _churn_settings(table)
    scored = score_out_of_fold(
        table.built.table,
        table.built.manifest.definition,
        table.plan,
        settings.part("lightgbm", LightGBMConfig),
        settings.part("catboost", CatBoostConfig) if settings.has("catboost") else None,
        seed=config.seed,
    )
    catboost = table.fit(table.reference(CATBOOST_DEFAULTS))
    scored = OutOfFold(scored.rows, scored.folds, scored.scores | catboost.scores)
    return scored, choose_model(scored, table.plan).chosen


def _churn_settings(table: _Folded) -> TrainingSettings:
    config = ChurnConfig(seed=table.seed)
    return churn_presets.settle_settings(table.built.manifest, table.plan.development_rows, config.lightgbm, config.catboost)


def _churn_tails(table: _Folded) -> tuple[str, Place, dict[Place, Scorer]]:
    own, others = lightgbm_places(_churn_settings(table).part("lightgbm", LightGBMConfig), table.seed)
    return LIGHTGBM, own, others


def _fraud(table: _Folded) -> tuple[OutOfFold, str]:
    """Fit the fraud pipeline's trees, which its autoencoder joins only where that helps."""
    scorers = {XGBOOST: _trees(table, _fraud_settings(table))}
    return table.fit(scorers | table.reference(LIGHTGBM_DEFAULTS) | table.reference(CATBOOST_DEFAULTS)), XGBOOST


def _fraud_settings(table: _Folded) -> XGBoostConfig:
    return fraud_presets.settle_settings(table.declaration, FraudConfig().xgboost).part("xgboost", XGBoostConfig)


def _fraud_tails(table: _Folded) -> tuple[str, Place, dict[Place, Scorer]]:
    config, encoding = _fraud_settings(table), Encoding.of(table.built.manifest.definition)
    bins = settled(config, table.rows.count, len(encoding.names), frauds=table.rows.positives).max_bin
    own, others = xgboost_places(config, bins or LEAST_BINS, lambda changed: _trees(table, changed))
    return XGBOOST, own, others


def _trees(table: _Folded, config: XGBoostConfig) -> Scorer:
    encoding = Encoding.of(table.built.manifest.definition)

    def score(rows: CustomerRows, known: Labels, unseen: CustomerRows) -> Floats:
        learned = ModelRows(rows.matrix().astype(np.float32), known, np.ones(rows.rows), encoding)
        # Every round is kept, so what they are read on decides nothing: one row of each class is soonest read.
        one_of_each = learned.part(np.array([known.argmin(), known.argmax()]))
        booster = fit_booster(learned, one_of_each, config, seed=table.seed, threads=1)
        x = unseen.matrix().astype(np.float32)
        return np.asarray(booster.inplace_predict(x, predict_type="margin", validate_features=False), dtype=np.float64)

    return score


_MODELS: Mapping[str, Callable[[_Folded], tuple[OutOfFold, str]]] = {"churn": _churn, "fraud": _fraud}
_TAILS: Mapping[str, Callable[[_Folded], tuple[str, Place, dict[Place, Scorer]]]] = {"churn": _churn_tails, "fraud": _fraud_tails}
_FOLDED_ROWS: Mapping[str, dict[str, int]] = {"churn": {}, "fraud": {"rows": sys.maxsize}}
"""Folds are of the rows that a pipeline learns from: churn's of a sample of many, as it folds them; fraud's of all."""
