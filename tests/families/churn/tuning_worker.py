"""A small search for the tests of tuning; run as a script it is a worker of its own, which can be killed.

    python tuning_worker.py KIND FEATURES STUDIES TRIALS HANG_AT

says ``ready``, waits for a line, searches, and says the result as JSON. With HANG_AT >= 0 it says ``hanging`` before the fit of
that number, counted over all folds and trials, and goes no further.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from pathlib import Path
from typing import Any

from optuna.distributions import FloatDistribution, IntDistribution

from fusionguard.config import TuningConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.holdout import plan_holdout
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.families.churn import search_space, tuning
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.features.churn import CHURN_FEATURES

QUICK_SPACES = {
    "LightGBM": {
        "rounds": IntDistribution(2, 12),
        "learning_rate": FloatDistribution(0.02, 0.5, log=True),
        "num_leaves": IntDistribution(2, 12),
        "reg_lambda": FloatDistribution(0.01, 30.0, log=True),
    },
    "CatBoost": {"rounds": IntDistribution(2, 12), "depth": IntDistribution(1, 4)},
}


def quick_config(trials: int, **tuning_settings: Any) -> ChurnConfig:
    """Return settings that are poor enough to be improved at once; small leaves suit few customers."""
    return ChurnConfig(
        lightgbm=LightGBMConfig(rounds=2, learning_rate=0.02, num_leaves=2),
        catboost=CatBoostConfig(rounds=2, depth=1),
        tuning=TuningConfig(trials=trials, **tuning_settings),
    )


def quick_tune(kind: tuning.Kind, features: Table, studies: Path, config: ChurnConfig) -> tuning.TunedChurnModel:
    """Tune as the pipeline does; ``search_space.SPACES`` must hold ``QUICK_SPACES``."""
    plan = plan_holdout(planned_rows(features, CHURN_FEATURES), "f" * 64, config.holdout, seed=config.seed)
    return tuning.tune(kind, features, CHURN_FEATURES, plan, config, studies=studies)


def hang_before(number: int) -> None:
    """Let the fit of this number say so, and never return."""
    fits, fit, lock = itertools.count(), tuning._fit_and_score, threading.Lock()

    def hanging(*arguments: Any) -> Any:
        with lock:
            reached = next(fits)
        if reached == number:
            say("hanging")
        if reached >= number:
            time.sleep(600)
        return fit(*arguments)

    tuning._fit_and_score = hanging


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    kind, features, studies, trials, hang_at = sys.argv[1:]
    search_space.SPACES = QUICK_SPACES
    if int(hang_at) >= 0:
        hang_before(int(hang_at))
    say("ready")
    sys.stdin.readline()
    tuned = quick_tune(kind, Table(Path(features)), Path(studies), quick_config(int(trials)))  # type: ignore[arg-type]
    say(tuned.model_dump_json())


if __name__ == "__main__":
    main()
