"""A small search for the tests of tuning; run as a script it is a worker of its own, which can be killed.

    python tuning_worker.py FEATURES STUDIES HANG_AT

searches and says the result as JSON. With HANG_AT >= 0 it says ``hanging`` before the fit of that number, counted over all folds
and trials, and goes no further.
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
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.evaluation.splits import plan_split
from fusionguard.families.fraud import search_space, tuning
from fusionguard.families.fraud.config import FraudConfig, XGBoostConfig
from fusionguard.features.fraud import FRAUD_FEATURES

TRIALS = 12
QUICK_SPACE = {
    "max_depth": IntDistribution(1, 3),
    "learning_rate": FloatDistribution(0.02, 0.5, log=True),
    "colsample_bytree": FloatDistribution(0.04, 1.0),
}


def quick_config(trials: int = TRIALS, **changes: Any) -> FraudConfig:
    """Return settings that are poor enough to be improved at once: stumps that see one column each."""
    poor = XGBoostConfig(rounds=12, early_stopping_rounds=12, learning_rate=0.05, max_depth=1, colsample_bytree=0.04, subsample=1)
    return FraudConfig(xgboost=poor, tuning=TuningConfig(trials=trials)).model_copy(update=changes)


def quick_tune(
    features: Table, studies: Path, config: FraudConfig | None = None, *, negative_weight: float = 3.0
) -> tuning.TunedBooster:
    """Tune as the pipeline does; ``search_space.SPACE`` must be ``QUICK_SPACE``."""
    config = config or quick_config()
    plan = plan_split(planned_rows(features, FRAUD_FEATURES), config.split)
    return tuning.tune(features, plan, config, negative_weight=negative_weight, studies=studies)


def hang_before(number: int) -> None:
    """Let the fit of this number say so, and never return."""
    fits, fit, lock = itertools.count(), tuning._average_precision, threading.Lock()

    def hanging(*arguments: Any) -> float:
        with lock:
            reached = next(fits)
        if reached == number:
            say("hanging")
        if reached >= number:
            time.sleep(600)
        return fit(*arguments)

    tuning._average_precision = hanging


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    features, studies, hang_at = sys.argv[1:]
    search_space.SPACE = QUICK_SPACE
    if int(hang_at) >= 0:
        hang_before(int(hang_at))
    say(quick_tune(Table(Path(features)), Path(studies)).model_dump_json())


if __name__ == "__main__":
    main()
