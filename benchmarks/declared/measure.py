"""One declared table: the untuned models beside the libraries' own defaults and the truth, on the same folds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.config import HoldoutConfig
from fusionguard.data.table import CARRIED
from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.described import read_described
from fusionguard.datasets.reading import read_declaration
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.holdout import HoldoutPlan, plan_holdout
from fusionguard.evaluation.planned_rows import PlannedRows, planned_rows
from fusionguard.evaluation.readings import AVERAGE_PRECISION, ROC_AUC
from fusionguard.evaluation.ties import mean_interval
from fusionguard.families.churn import presets as churn_presets
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.families.churn.cross_validation import fold_metrics
from fusionguard.families.churn.out_of_fold import (
    CANDIDATES,
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
from fusionguard.features.store import FeatureSet, build_features

XGBOOST = "XGBoost"
OWN_MODELS = {"churn": tuple(reversed(CANDIDATES)), "fraud": (XGBOOST,)}
"""By problem, what its pipeline fits with settings that nobody tuned to the table."""
TRUTH = "the truth's own ranking"
METRICS = (AVERAGE_PRECISION, ROC_AUC)


class TableQuality(BaseModel):
    """What was reached on one table."""

    model_config = ConfigDict(frozen=True)

    about: str
    rows: int
    share: float
    """Of the rows that are positive."""
    chosen: str
    models: dict[str, dict[str, float]]
    """By model, the mean of each metric over the folds."""
    ahead: dict[str, Interval]
    """By metric, how far the chosen model is above the better of both libraries' defaults on the same folds."""
    seconds: float
    """What all fits took, the references' among them."""


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
    config = ChurnConfig(holdout=HoldoutConfig(folds=folds, repeats=1))
    declared = read_declaration(declaration)
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
    begin = time.monotonic()
    scored, chosen = _MODELS[declared.declaration.problem](table)
    seconds = time.monotonic() - begin
    scores = dict(scored.scores)
    if truth is not None:
        ids = found.table.read([CARRIED])[CARRIED].to_pylist()
        scores[TRUTH] = [np.array([truth[str(name)] for name in ids])[folded]] * plan.repeats
    read = {name: fold_metrics(scored.label, each, None, scored.folds) for name, each in scores.items()}
    ahead = {}
    for metric in METRICS:
        better = max((LIGHTGBM_DEFAULTS, CATBOOST_DEFAULTS), key=lambda name: float(read[name][metric].mean()))
        ahead[metric] = mean_interval(read[chosen][metric] - read[better][metric], plan.folds)
    return TableQuality(
        about=about,
        rows=plan.rows,
        share=plan.positives / plan.rows,
        chosen=chosen,
        models={name: {metric: float(each[metric].mean()) for metric in METRICS} for name, each in read.items()},
        ahead=ahead,
        seconds=seconds,
    )


def _churn(table: _Folded) -> tuple[OutOfFold, str]:
    """Fit what the churn pipeline chooses from, and choose as it does."""
    config = ChurnConfig(seed=table.seed)
    settings = churn_presets.settle_settings(table.built.manifest, table.plan.development_rows, config.lightgbm, config.catboost)
    scored = score_out_of_fold(
        table.built.table,
        table.built.manifest.definition,
        table.plan,
        settings.part("lightgbm", LightGBMConfig),
        settings.part("catboost", CatBoostConfig) if settings.has("catboost") else None,
        seed=table.seed,
    )
    catboost = table.fit(table.reference(CATBOOST_DEFAULTS))
    scored = OutOfFold(scored.rows, scored.folds, scored.scores | catboost.scores)
    return scored, choose_model(scored, table.plan).chosen


def _fraud(table: _Folded) -> tuple[OutOfFold, str]:
    """Fit the fraud pipeline's trees, which its autoencoder joins only where that helps."""
    definition = table.built.manifest.definition
    settings = fraud_presets.settle_settings(table.declaration, FraudConfig().xgboost)
    xgboost = settings.part("xgboost", XGBoostConfig)
    encoding = Encoding.of(definition)

    def trees(rows: CustomerRows, known: Labels, unseen: CustomerRows) -> Floats:
        learned = ModelRows(rows.matrix().astype(np.float32), known, np.ones(rows.rows), encoding)
        booster = fit_booster(learned, learned, xgboost, seed=table.seed, threads=1)
        margin = booster.inplace_predict(unseen.matrix().astype(np.float32), predict_type="margin", validate_features=False)
        return np.asarray(margin, dtype=np.float64)

    scorers: dict[str, Scorer] = {XGBOOST: trees}
    return table.fit(scorers | table.reference(LIGHTGBM_DEFAULTS) | table.reference(CATBOOST_DEFAULTS)), XGBOOST


_MODELS: Mapping[str, Callable[[_Folded], tuple[OutOfFold, str]]] = {"churn": _churn, "fraud": _fraud}
