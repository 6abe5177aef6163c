"""``python -m benchmarks.prequential --file DECLARATION.yaml``: untuned models of a table on folds that wait for outcomes.

Models are learned from some days, wait until these days' outcomes are known, and are judged on days after; so they are used.
The protocol is that of Le Borgne, Siblini, Lebichot and Bontempi, *Reproducible Machine Learning for Credit Card Fraud Detection*
(2022), chapter 5.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import xgboost as xgb

from benchmarks.machine import describe_machine
from benchmarks.markdown import table
from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.described import read_described
from fusionguard.datasets.prepared_names import GROUP, TIME
from fusionguard.datasets.reading import read_declaration
from fusionguard.errors import FusionGuardError, UsageError
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.prequential import (
    AVERAGE_PRECISION,
    OWNER_PRECISION,
    ROC_AUC,
    JudgedFold,
    PrequentialFold,
    PrequentialPlan,
    prequential_folds,
    read_folds,
)
from fusionguard.evaluation.scored import SECONDS_PER_DAY, Floats
from fusionguard.families.fraud import presets
from fusionguard.families.fraud.boosting import fit_booster
from fusionguard.families.fraud.config import FraudConfig, XGBoostConfig
from fusionguard.families.fraud.rows import Encoding, ModelRows
from fusionguard.features.store import FeatureSet, build_features

OWN, DEFAULTS = "FusionGuard's trees", "XGBoost defaults"
METRICS = {AVERAGE_PRECISION: "average precision", ROC_AUC: "ROC AUC", OWNER_PRECISION: "precision among 100 owners a day"}
_CHECKED, _SAMPLES, _SEED = 100, 200, 7

Fit = Callable[[ModelRows, ModelRows], Floats]
"""Fits on the first rows and returns scores (n,) of the others."""


@dataclass(frozen=True)
class FoldedTable:
    """The rows of a declared table as models read them, with whose they are and when."""

    rows: ModelRows
    owner: np.ndarray
    day: np.ndarray
    seconds: float
    """What the features took."""


def read_table(declaration: Path, folder: Path) -> FoldedTable:
    """Make the features of a declared table; raise UsageError where it has no time or nobody that rows are of."""
    declared = read_declaration(declaration)
    if declared.declaration.time is None or not declared.declaration.entities:
        raise UsageError(
            f"{declaration} declares no time or no entities.", "Folds go by days, and precision by the first entity."
        )
    begin = time.monotonic()
    found, described = read_described(declared, "auto", folder / "raw", rows=0, seed=_SEED, earliest=1.0)
    built = build_features(found.table, found.provenance, "duckdb", folder / "store", described)
    return _read(built, time.monotonic() - begin)


def _read(built: FeatureSet, seconds: float) -> FoldedTable:
    definition = built.manifest.definition
    encoding = Encoding.of(definition)
    rows = built.table.read([*encoding.names, definition.label, TIME, GROUP])
    label = rows[definition.label].to_numpy().astype(np.int8)
    weight = np.where(label == 0, built.manifest.negative_weight, 1.0)
    day = rows[TIME].to_numpy() // SECONDS_PER_DAY
    return FoldedTable(ModelRows(encoding.matrix(rows), label, weight, encoding), rows[GROUP].to_numpy(), day, seconds)


def measure(
    folded: FoldedTable, declaration: Declaration, plan: PrequentialPlan, threads: int
) -> dict[str, tuple[dict[str, Interval], float]]:
    """Return, by model, the mean readings over the folds and the seconds that fitting and scoring took."""
    folds = prequential_folds(folded.day, folded.rows.label, folded.owner, plan)
    found = {}
    for name, fit in _models(declaration, threads).items():
        begin = time.monotonic()
        judged = [_judge(folded, fold, fit) for fold in folds]
        found[name] = read_folds(judged, checked=_CHECKED, samples=_SAMPLES, seed=_SEED), time.monotonic() - begin
        sys.stderr.write(f"{name}: {_told(found[name][0])}; {found[name][1]:.0f} s\n")
    return found


def _judge(folded: FoldedTable, fold: PrequentialFold, fit: Fit) -> JudgedFold:
    learned, asked = np.flatnonzero(fold.learned), np.flatnonzero(fold.judged)
    score = fit(folded.rows.part(learned), folded.rows.part(asked))
    return JudgedFold(folded.rows.label[asked], score, folded.owner[asked], folded.day[asked])


def _models(declaration: Declaration, threads: int) -> Mapping[str, Fit]:
    config = presets.settle_settings(declaration, FraudConfig().xgboost).part("xgboost", XGBoostConfig)

    def own(known: ModelRows, unseen: ModelRows) -> Floats:
        booster = fit_booster(known, known, config, seed=_SEED, threads=threads)
        margins = booster.inplace_predict(unseen.x, predict_type="margin", validate_features=False)
        return np.asarray(margins, dtype=np.float64)

    def defaults(known: ModelRows, unseen: ModelRows) -> Floats:
        matrix = xgb.DMatrix(known.x, known.label, nthread=threads, **known.encoding.of_columns)
        booster = xgb.train({"objective": "binary:logistic", "nthread": threads, "seed": _SEED}, matrix, 100)
        asked = xgb.DMatrix(unseen.x, nthread=threads, **unseen.encoding.of_columns)
        return np.asarray(booster.predict(asked, output_margin=True), dtype=np.float64)

    return {OWN: own, DEFAULTS: defaults}


def _told(read: Mapping[str, Interval]) -> str:
    return ", ".join(f"{METRICS[name]} {interval.text()}" for name, interval in read.items())


def main() -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prequential", description=__doc__)
    add = parser.add_argument
    add("--file", metavar="DECLARATION.yaml", type=Path, required=True, help="the declared table of transactions")
    add("--about", default="a file", help="what it is, for the document")
    add("--learned", type=int, action="append", help="learn from so many days, 0 for all; repeatable (default: 7, then all)")
    add("--folds", type=int, default=4)
    add("--threads", type=int, default=2)
    options = parser.parse_args()
    machine = describe_machine()
    try:
        declaration = read_declaration(options.file).declaration
        with tempfile.TemporaryDirectory(prefix="fusionguard-bench-") as temporary:
            folded = read_table(options.file, Path(temporary))
        sys.stderr.write(f"features: {folded.seconds:.0f} s\n")
        listed: list[tuple[str, ...]] = []
        for days in options.learned or [7, 0]:
            plan = PrequentialPlan(learned_days=days or None, folds=options.folds)
            for name, (read, seconds) in measure(folded, declaration, plan, options.threads).items():
                listed.append(
                    (f"{name}, {f'{days} days' if days else 'all days'}", *(read[each].text() for each in METRICS), seconds)
                )
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    text = "\n\n".join(
        [
            "## Transactions, on folds that wait for outcomes",
            f"Written by `python -m benchmarks.prequential` on {datetime.now(UTC).date().isoformat()}. {declaration.name}:"
            f" {options.about}, {folded.rows.label.size:,} rows, {len(folded.rows.encoding.names)} features, made in"
            f" {folded.seconds:.0f} s. Each of {options.folds} folds learns from the days given, waits 7 days until their"
            " outcomes are known, and judges the 7 days after; owners that are known by then are left out. Intervals draw"
            " owners.\n\n"
            f"{machine.sentences()}",
            table(("model", *METRICS.values(), "seconds"), listed),
        ]
    )
    print(text)  # what the command is for
    return 0


if __name__ == "__main__":
    sys.exit(main())
