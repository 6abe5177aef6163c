"""What a search for LightGBM's settings is worth: nested folds, so that no number is of the settings that it was chosen by.

Each outer fold's customers are set aside; a search on the others finds settings by inner folds, a model with them is fitted on
all of those others and read on the fold. Beside it stand settings that no search chose. The test slice is not read.

    python -m benchmarks.churn_search OUTPUT_FOLDER --source Churn_Modelling.csv --trials 40

The searches' journals are kept in the folder: the same command goes on where an interrupted one was. Its result, ``search.json``,
is what docs/decisions/0006-ties-and-defaults.md reports.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.churn_quality import read_development
from fusionguard.config import TuningConfig, load_config
from fusionguard.errors import FusionGuardError
from fusionguard.evaluation.holdout import Fold, HoldoutPlan
from fusionguard.evaluation.planned_rows import PlannedRows
from fusionguard.evaluation.ranked import Ranking
from fusionguard.evaluation.ties import mean_interval
from fusionguard.families.churn.config import ChurnConfig, LightGBMConfig
from fusionguard.families.churn.lightgbm_model import margins, train_lightgbm
from fusionguard.families.churn.rows import CustomerRows
from fusionguard.families.churn.search_space import SPACES
from fusionguard.files import write_json
from fusionguard.home import Home
from fusionguard.models.tuning.tuned import TunedModel, judge_folds, study_name, tune_settings

OUTER_FOLDS, OUTER_REPEATS = 5, 2
INNER_FOLDS = 5
MANY_FOLDS, MANY_REPEATS = 10, 3
"""A second reading of the settings that are fixed: with nine tenths to fit on, nearer to a fit on all rows."""

_LIBRARY = {
    "min_child_samples": 20,
    "subsample": 1.0,
    "colsample_bytree": 1.0,
    "reg_lambda": 0.0,
    "min_split_gain": 0.0,
    "path_smooth": 0.0,
}
_PLAIN = LightGBMConfig(rounds=150, learning_rate=0.05, num_leaves=8, **_LIBRARY)
FIXED = {
    "plain, 8 leaves": _PLAIN,
    "plain, 8 leaves, half of the columns a tree": _PLAIN.model_copy(update={"colsample_bytree": 0.5}),
    "plain, 15 leaves": _PLAIN.model_copy(update={"rounds": 100, "num_leaves": 15}),
    "LightGBM defaults": LightGBMConfig(rounds=100, learning_rate=0.1, num_leaves=31, **_LIBRARY),
    "an earlier search's": LightGBMConfig(
        rounds=300,
        learning_rate=0.02,
        num_leaves=11,
        min_child_samples=8,
        subsample=0.95,
        colsample_bytree=0.87,
        reg_lambda=0.01,
        min_split_gain=0.6,
        path_smooth=6.5,
    ),
}
"""Settings that the search is held against. The last were found on these very customers: their reading leans to the good side."""

FOUND = "found by the inner search"
Labels = NDArray[np.int8]
Reading = dict[str, list[float]]


def main() -> int:
    """Search in nested folds and write ``search.json`` into the folder."""
    parser = argparse.ArgumentParser(description="Measure what a search for LightGBM's settings is worth.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--source", default="simulated")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[])
    options = parser.parse_args()
    folder = options.folder.resolve()
    try:
        source = f"data.source={json.dumps(options.source, ensure_ascii=False)}"
        config = load_config(ChurnConfig, [], [source, *options.set])
        customers, label, plan = read_development(config, Home(folder / "home"))
        write_json(folder / "search.json", measure(customers, label, plan, options.trials, folder / "studies"))
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


def measure(customers: CustomerRows, label: Labels, plan: HoldoutPlan, trials: int, studies: Path) -> dict[str, Any]:
    """Return what every kind of settings reached on the outer folds, and what a search on all customers given finds."""
    nested: dict[str, Reading] = {}
    per_fold = []
    for number, (rest, places) in enumerate(_folds(plan, label, OUTER_FOLDS, OUTER_REPEATS, plan.seed + 2)):
        inner, known, unseen = customers.take(rest), label[rest], customers.take(places)
        found = search(inner, known, plan, trials, studies)
        per_fold.append(found.settings.model_dump())
        for name, settings in {FOUND: found.settings, **FIXED}.items():
            _read(nested.setdefault(name, {}), settings, inner, known, unseen, label[places], plan.seed)
        means = ", ".join(f"{name} {np.mean(read['average_precision']):.4f}" for name, read in nested.items())
        sys.stderr.write(f"outer fold {number + 1}: {means}\n")
    many: dict[str, Reading] = {}
    for rest, places in _folds(plan, label, MANY_FOLDS, MANY_REPEATS, plan.seed + 3):
        for name, settings in FIXED.items():
            unseen = customers.take(places)
            _read(many.setdefault(name, {}), settings, customers.take(rest), label[rest], unseen, label[places], plan.seed)
    final = search(customers, label, plan, trials, studies)
    return {
        "trials": trials,
        "nested": _summary(nested, FOUND, OUTER_FOLDS),
        "many_folds": _summary(many, next(iter(FIXED)), MANY_FOLDS),
        "found_in_each_fold": per_fold,
        "found_on_all": {"settings": final.settings.model_dump(), "sentence": final.sentence},
    }


def search(customers: CustomerRows, label: Labels, plan: HoldoutPlan, trials: int, studies: Path) -> TunedModel[LightGBMConfig]:
    """Search from plain settings by folds of the customers given, and of nobody else."""
    folds = _folds(plan, label, INNER_FOLDS, 1, plan.seed + 4)

    def value(settings: LightGBMConfig, fold: Fold) -> float:
        rest, places = fold
        model = train_lightgbm(customers.take(rest), label[rest], settings, seed=plan.seed)
        return Ranking(label[places], margins(model, customers.take(places))).average_precision(np.ones(places.size))

    def judge(settings: LightGBMConfig) -> Generator[float, None, None]:
        return judge_folds(lambda fold: value(settings, fold), folds)

    name = study_name(
        "nested-lightgbm",
        protocol=1,
        arrays=(customers.numeric, customers.codes, label, *(places for _, places in folds)),
        start=_PLAIN,
        space=SPACES["LightGBM"],
        seed=plan.seed,
        libraries=("optuna", "lightgbm", "numpy", "scikit-learn"),
    )
    return tune_settings(
        TunedModel[LightGBMConfig],
        "LightGBM",
        name,
        _PLAIN,
        SPACES["LightGBM"],
        judge,
        tuning=TuningConfig(trials=trials),
        folds=len(folds),
        seed=plan.seed,
        studies=studies,
    )


def _folds(plan: HoldoutPlan, label: Labels, folds: int, repeats: int, seed: int) -> list[Fold]:
    return plan.model_copy(update={"folds": folds, "repeats": repeats, "seed": seed}).fold_places(PlannedRows(label))


def _read(
    into: Reading, settings: LightGBMConfig, rows: CustomerRows, known: Labels, unseen: CustomerRows, label: Labels, seed: int
) -> None:
    ranking = Ranking(label, margins(train_lightgbm(rows, known, settings, seed=seed), unseen))
    ones = np.ones(label.size)
    into.setdefault("average_precision", []).append(ranking.average_precision(ones))
    into.setdefault("roc_auc", []).append(ranking.roc_auc(ones))


def _summary(read: dict[str, Reading], against: str, folds: int) -> dict[str, Any]:
    """Return each metric's mean, and the gain over ``against`` with an interval that knows that folds overlap."""

    def gain(name: str, metric: str) -> dict[str, Any]:
        return mean_interval(np.array(read[name][metric]) - np.array(read[against][metric]), folds).model_dump()

    return {
        name: {
            metric: {"mean": float(np.mean(values)), f"gain over {against}": gain(name, metric)} for metric, values in own.items()
        }
        for name, own in read.items()
    }


if __name__ == "__main__":
    sys.exit(main())
