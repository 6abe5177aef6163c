"""``python -m benchmarks.seeds FILE``: how far the fraud model's trees move with their seed, with and without early stopping.

``FILE`` is a real file in Kaggle's layout, with its declaration beside it where legitimate rows were sampled.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from benchmarks.markdown import table
from fusionguard.config import FraudConfig
from fusionguard.data.local import LocalSource
from fusionguard.data.schema import FRAUD
from fusionguard.data.table import Table
from fusionguard.errors import FusionGuardError, UsageError
from fusionguard.evaluation.ranked import Ranking
from fusionguard.evaluation.splits import SplitPlan, plan_split
from fusionguard.features.store import build_features
from fusionguard.files import write_text
from fusionguard.models.fraud.boosting import SEGMENT_ROUNDS, train_booster
from fusionguard.models.fraud.rows import ModelRows, read_slice
from fusionguard.threads import wait_politely

SEEDS = range(10)
PATIENCE_ROUNDS = 100
"""How long early stopping waits for a better round."""
_DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "seeds.md"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reading:
    """One seed's test average precision with every round, and with those up to the best on validation, which are ``stopped``."""

    every: float
    early: float
    stopped: int


def main(arguments: list[str] | None = None) -> int:
    """Measure and write the document; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description="Measure the trees' spread over seeds.")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--output", type=Path, default=_DOCUMENT, metavar="FILE.md")
    options = parser.parse_args(arguments)
    wait_politely()
    try:
        if not options.file.is_file():
            raise UsageError(f"There is no file '{options.file}'.", "Name a file in the layout of Kaggle's creditcard.csv.")
        with tempfile.TemporaryDirectory() as folder:
            source = LocalSource(options.file, FRAUD)
            raw = source.fetch(Path(folder) / "raw")
            features = build_features(raw.table, raw.provenance, "duckdb", Path(folder) / "store").table
            plan = plan_split(features, FraudConfig().split)
            readings = []
            for seed in SEEDS:
                readings.append(read_seed(features, plan, raw.provenance.negative_weight, seed))
                sys.stderr.write(f"seed {seed}: {readings[-1]}\n")
        write_text(options.output, document(readings, raw.provenance.description, plan))
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


def read_seed(features: Table, plan: SplitPlan, negative_weight: float, seed: int) -> Reading:
    """Train one seed's trees to the last round, which holds what early stopping would have kept; read both on the test slice."""
    booster = train_booster(features, plan, FraudConfig().xgboost, negative_weight=negative_weight, seed=seed)
    validation, test = (read_slice(features, part, negative_weight) for part in (plan.validation, plan.test))
    rounds = booster.num_boosted_rounds()
    stopped = stopped_at([_average_precision(booster, validation, count) for count in range(1, rounds + 1)])
    return Reading(_average_precision(booster, test, rounds), _average_precision(booster, test, stopped), stopped)


def stopped_at(history: list[float]) -> int:
    """Return the rounds that early stopping keeps where rounds read ``history``: the first best until it gives up."""
    for reached in range(SEGMENT_ROUNDS, len(history), SEGMENT_ROUNDS):
        best = int(np.argmax(history[:reached]))
        if reached - 1 - best >= PATIENCE_ROUNDS:
            return best + 1
    return int(np.argmax(history)) + 1


def document(readings: list[Reading], source: str, plan: SplitPlan) -> str:
    """Return the document: every seed, then mean, standard deviation and range."""
    early, every = (np.array([getattr(reading, rule) for reading in readings]) for rule in ("early", "every"))
    rows = [(str(seed), f"{each.early:.4f} ({each.stopped})", f"{each.every:.4f}") for seed, each in enumerate(readings)]
    rows += [
        (f"**{name}**", f"**{read(early):.4f}**", f"**{read(every):.4f}**")
        for name, read in (("mean", np.mean), ("standard deviation", _deviation), ("range", np.ptp))
    ]
    fewest, most = min(each.stopped for each in readings), max(each.stopped for each in readings)
    spread = f"{_deviation(every) / _deviation(early):.2f} and the range {np.ptp(every) / np.ptp(early):.2f} times what it was"
    paragraphs = [
        "# How far the fraud model's trees move with their seed",
        f"Written by `make bench-seeds FILE=path/to/creditcard.csv`. Rows: {source}; {plan.train.frauds} frauds to fit on,"
        f" {plan.validation.frauds} on the validation slice, {plan.test.frauds} on the test slice. Average precision of the trees"
        " alone on the test slice, weighted to the real prior; in brackets the rounds that early stopping keeps.",
        table(("seed", "early stopping (before)", f"all {FraudConfig().xgboost.rounds} rounds (now)"), rows),
        f"With {plan.validation.frauds} frauds on the validation slice, when a model is best there is a matter of luck: from seed"
        f" to seed early stopping keeps {fewest} to {most} rounds. Every round is kept now, so the number does not depend on the"
        f" seed. The standard deviation is {spread}: most of the spread comes from the rows and columns that each tree draws,"
        " read on few frauds, and not from the number of rounds.",
        "So a difference between two trainings that is smaller than this range says nothing.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def _average_precision(booster: xgb.Booster, rows: ModelRows, rounds: int) -> float:
    margin = booster.inplace_predict(rows.x, iteration_range=(0, rounds), predict_type="margin", validate_features=False)
    return Ranking(rows.label, margin.astype(np.float64)).average_precision(rows.weight)


def _deviation(values: Floats) -> float:
    return float(np.std(values, ddof=1))


if __name__ == "__main__":
    sys.exit(main())
