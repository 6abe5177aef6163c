"""How well the churn models rank customers: every one on the same folds, in a process of its own.

It adds CatBoost's defaults to what the pipeline cross-validates: they take longer than all the rest together.

    python -m benchmarks.churn_quality OUTPUT_FOLDER --source Churn_Modelling.csv --set holdout.repeats=2
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from benchmarks.measure import CHECKOUT, Measurement, fresh_environment, measure, python
from benchmarks.sizes import RunSize
from fusionguard.config import load_config
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.datasets.contracts import check_raw
from fusionguard.datasets.resolve_source import resolve_source
from fusionguard.errors import FusionGuardError
from fusionguard.evaluation.cross_validation import CrossValidation
from fusionguard.evaluation.holdout import HoldoutPlan, plan_holdout
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.out_of_fold import OutOfFold, Scorer, choose_model, fit_folds, score_out_of_fold
from fusionguard.families.churn.references import CATBOOST_DEFAULTS, score_reference
from fusionguard.families.churn.rows import CustomerRows, read_customers
from fusionguard.features.contracts import check_features
from fusionguard.features.store import FeatureSet, build_features
from fusionguard.files import write_json
from fusionguard.home import Home

_SETTINGS = CHECKOUT / "pipelines" / "churn.yaml"
_RESULT = "quality.json"


class ChurnQuality(BaseModel):
    """What every model reached on the same folds of the development part."""

    model_config = ConfigDict(frozen=True)

    customers: int
    """Development part and test slice."""
    simulated: bool
    comparison: CrossValidation
    took: Measurement


def measure_churn_quality(size: RunSize, customers: Path | None, folder: Path) -> ChurnQuality:
    """Cross-validate on the customers of a file, or on simulated ones where there is none."""
    source = str(customers) if customers else "simulated"
    command = python("-m", "benchmarks.churn_quality", folder, "--source", source, *size.assignments())
    took = measure(command, environment=fresh_environment(folder))
    return ChurnQuality.model_validate({**json.loads((folder / _RESULT).read_text(encoding="utf-8")), "took": took})


def main() -> int:
    """Cross-validate and write ``quality.json`` into the folder."""
    parser = argparse.ArgumentParser(description="Cross-validate the churn models and their references.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--source", default="simulated")
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[])
    options = parser.parse_args()
    folder = options.folder.resolve()
    try:
        source = f"data.source={json.dumps(options.source, ensure_ascii=False)}"
        config = load_config(ChurnConfig, [_SETTINGS], [source, *options.set])
        write_json(folder / _RESULT, cross_validate(config, Home(folder / "home")))
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


def cross_validate(config: ChurnConfig, home: Home) -> dict[str, Any]:
    """Make the features and the folds as the pipeline does and return what every model reached, as plain values."""
    features = _features(config, home)
    customers, _ = read_customers(features.table, features.manifest.definition)
    rows = planned_rows(features.table, features.manifest.definition)
    plan = plan_holdout(rows, features.manifest.features_sha256, config.holdout, seed=config.seed)
    development, _ = plan.places(rows)
    definition = features.manifest.definition
    scored = score_out_of_fold(features.table, definition, plan, config.lightgbm, config.catboost, seed=config.seed)
    scored = with_catboost_defaults(scored, customers.take(development), plan.repeats, seed=config.seed)
    comparison = choose_model(scored, plan)
    return {"customers": plan.rows, "simulated": features.manifest.simulated, "comparison": comparison.model_dump(mode="json")}


def with_catboost_defaults(scored: OutOfFold, development: CustomerRows, repeats: int, *, seed: int) -> OutOfFold:
    """Add CatBoost's defaults to what the pipeline cross-validates, fitted on the same folds."""
    scorers: dict[str, Scorer] = {
        CATBOOST_DEFAULTS: lambda rows, known, unseen: score_reference(CATBOOST_DEFAULTS, rows, known, unseen, seed=seed)
    }
    defaults = fit_folds(development, scored.rows, scored.folds, repeats, scorers)
    return OutOfFold(scored.rows, scored.folds, scored.scores | defaults.scores)


def read_development(config: ChurnConfig, home: Home) -> tuple[CustomerRows, NDArray[np.int8], HoldoutPlan]:
    """Return the development part as the pipeline has it, its labels (n,), and the plan that says who is in it."""
    features = _features(config, home)
    customers, label = read_customers(features.table, features.manifest.definition)
    rows = planned_rows(features.table, features.manifest.definition)
    plan = plan_holdout(rows, features.manifest.features_sha256, config.holdout, seed=config.seed)
    development, _ = plan.places(rows)
    return customers.take(development), label[development], plan


def _features(config: ChurnConfig, home: Home) -> FeatureSet:
    """Build the feature table as the pipeline does, contracts included."""
    source = resolve_source(config.data.source, CHURN, home, seed=config.seed, rows=config.data.rows)
    fetched = source.fetch(home.processed / CHURN.name)
    check_raw(fetched.table, fetched.provenance).raise_if_broken()
    built = build_features(fetched.table, fetched.provenance, config.data.engine, home.feature_store)
    check_features(built.table, built.manifest).raise_if_broken()
    return built


if __name__ == "__main__":
    sys.exit(main())
