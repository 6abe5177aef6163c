"""One declared table: the untuned models beside the libraries' own defaults and the truth, on the same folds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from fusionguard.config import HoldoutConfig
from fusionguard.data.table import CARRIED
from fusionguard.datasets.described import read_described
from fusionguard.datasets.reading import read_declaration
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.holdout import plan_holdout
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.evaluation.readings import AVERAGE_PRECISION, ROC_AUC
from fusionguard.evaluation.ties import mean_interval
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.families.churn.cross_validation import fold_metrics
from fusionguard.families.churn.out_of_fold import OutOfFold, choose_model, fit_folds, score_out_of_fold
from fusionguard.families.churn.presets import settle_settings
from fusionguard.families.churn.references import CATBOOST_DEFAULTS, LIGHTGBM_DEFAULTS, score_reference
from fusionguard.families.churn.rows import read_customers
from fusionguard.features.store import build_features

TRUTH = "the truth's own ranking"
METRICS = (AVERAGE_PRECISION, ROC_AUC)


class TableQuality(BaseModel):
    """What was reached on one table."""

    model_config = ConfigDict(frozen=True)

    about: str
    rows: int
    chosen: str
    models: dict[str, dict[str, float]]
    """By model, the mean of each metric over the folds."""
    ahead: dict[str, Interval]
    """By metric, how far the chosen model is above the better of both libraries' defaults on the same folds."""
    seconds: float
    """What all fits took, the references' among them."""


def measure_table(declaration: Path, about: str, folder: Path, *, folds: int, truth: Mapping[str, float] | None) -> TableQuality:
    """Cross-validate on the development part of a churn declaration; ``truth`` is each row's chance by its id, where known."""
    config = ChurnConfig(holdout=HoldoutConfig(folds=folds, repeats=1))
    declared = read_declaration(declaration)
    found, described = read_described(
        declared, "auto", folder / "raw", rows=0, seed=config.seed, earliest=1 - config.holdout.test
    )
    built = build_features(found.table, found.provenance, "duckdb", folder / "store", described)
    definition = built.manifest.definition
    planned = planned_rows(built.table, definition)
    plan = plan_holdout(planned, built.manifest.features_sha256, config.holdout, seed=config.seed)
    settings = settle_settings(built.manifest, plan.development_rows, config.lightgbm, config.catboost)
    begin = time.monotonic()
    scored = score_out_of_fold(
        built.table,
        definition,
        plan,
        settings.part("lightgbm", LightGBMConfig),
        settings.part("catboost", CatBoostConfig) if settings.has("catboost") else None,
        seed=config.seed,
    )
    customers, _ = read_customers(built.table, definition)
    folded = plan.folded_places(planned)
    catboost = fit_folds(
        customers.take(folded),
        scored.rows,
        scored.folds,
        plan.repeats,
        {
            CATBOOST_DEFAULTS: lambda rows, known, unseen: score_reference(
                CATBOOST_DEFAULTS, rows, known, unseen, seed=config.seed
            )
        },
    )
    seconds = time.monotonic() - begin
    scored = OutOfFold(scored.rows, scored.folds, scored.scores | catboost.scores)
    chosen = choose_model(scored, plan).chosen
    scores = dict(scored.scores)
    if truth is not None:
        ids = found.table.read([CARRIED])[CARRIED].to_pylist()
        chance = np.array([truth[str(name)] for name in ids])[folded]
        scores[TRUTH] = [chance] * plan.repeats
    read = {name: fold_metrics(scored.label, each, None, scored.folds) for name, each in scores.items()}
    ahead = {}
    for metric in METRICS:
        better = max((LIGHTGBM_DEFAULTS, CATBOOST_DEFAULTS), key=lambda name: float(read[name][metric].mean()))
        ahead[metric] = mean_interval(read[chosen][metric] - read[better][metric], plan.folds)
    return TableQuality(
        about=about,
        rows=plan.rows,
        chosen=chosen,
        models={name: {metric: float(each[metric].mean()) for metric in METRICS} for name, each in read.items()},
        ahead=ahead,
        seconds=seconds,
    )
