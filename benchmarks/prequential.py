"""``python -m benchmarks.prequential --file DECLARATION.yaml``: the trees of a table on the folds in time that it declares.

It is what a run of the pipeline does (``steps/fraud/validate_forward.py``), without the run: the same features, slices and folds
give the same numbers. ``--until end`` judges the last days of the data, as published protocols do, whatever the declaration says.
The protocol is that of Le Borgne, Siblini, Lebichot and Bontempi, *Reproducible Machine Learning for Credit Card Fraud Detection*
(2022), chapter 5.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchmarks.machine import describe_machine
from benchmarks.markdown import table
from fusionguard.config import load_config
from fusionguard.data.table import Table
from fusionguard.datasets.declaration import Declaration, Validation
from fusionguard.datasets.described import read_described
from fusionguard.datasets.reading import read_declaration
from fusionguard.errors import FusionGuardError, UsageError
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.evaluation.prequential.report import PrequentialReport
from fusionguard.evaluation.splits import SplitPlan, plan_split
from fusionguard.families.fraud import presets
from fusionguard.families.fraud.config import FraudConfig, XGBoostConfig
from fusionguard.families.fraud.prequential import validate_forward
from fusionguard.features.store import FeatureManifest, build_features
from fusionguard.files import check_output

_NONE = Interval()


@dataclass(frozen=True)
class FoldedTable:
    """A declared table with its features and slices, as a run makes them."""

    features: Table
    manifest: FeatureManifest
    split: SplitPlan
    seconds: float
    """What the features took."""


def read_table(file: Path, folder: Path, config: FraudConfig, changes: Mapping[str, Any]) -> FoldedTable:
    """Make the features and slices of a declared table in a folder; ``changes`` are made to its validation.

    Raises
    ------
    UsageError
        It has no time or nobody that rows are of.
    """
    declared = read_declaration(file)
    changed_validation(declared.declaration, changes)
    begin = time.monotonic()
    found, described = read_described(declared, "auto", folder / "raw", rows=0, seed=config.seed, earliest=config.split.train)
    built = build_features(found.table, found.provenance, "duckdb", folder / "store", described)
    split = plan_split(planned_rows(built.table, built.manifest.definition), config.split)
    made = FoldedTable(built.table, built.manifest, split, time.monotonic() - begin)
    return with_changes(made, changes)


def with_changes(made: FoldedTable, changes: Mapping[str, Any]) -> FoldedTable:
    """Return the table with another validation: the declared one, or the usual one, with ``changes``.

    Raises
    ------
    UsageError
        The table is not declared, or a change is none that a declaration may make.
    """
    described = made.manifest.described
    if described is None:
        raise UsageError("The table is not declared.", "Name a declaration.")
    declaration = described.declaration
    changed = declaration.model_copy(update={"validation": changed_validation(declaration, changes)})
    manifest = made.manifest.model_copy(update={"described": described.model_copy(update={"declaration": changed})})
    return FoldedTable(made.features, manifest, made.split, made.seconds)


def changed_validation(declaration: Declaration, changes: Mapping[str, Any]) -> Validation:
    """Return the declared validation, or the usual one, with ``changes``; no row is read for that.

    Raises
    ------
    UsageError
        A change is none that a declaration may make, or it has no time or nobody that rows are of.
    """
    if declaration.time is None or not declaration.entities:
        what = f"The data set {declaration.name} declares no time or no entities."
        raise UsageError(what, "Folds go by days, and precision by an entity.")
    usual = {**(declaration.validation or Validation()).model_dump(), **changes}
    try:
        return Validation.model_validate(usual)
    except ValidationError as error:
        fault = error.errors()[0]
        what = fault["msg"].removeprefix("Value error, ")
        raise UsageError(f"{fault['loc'][0]} is {fault['input']}: {what}.", "Correct it.") from None


def measure(made: FoldedTable, declaration: Declaration, config: FraudConfig) -> PrequentialReport:
    """Train and judge on the folds, with the settings that a run would train with."""
    xgboost = presets.settle_settings(declaration, config.xgboost).part("xgboost", XGBoostConfig)
    samples = config.evaluation.bootstrap_samples
    return validate_forward(
        made.features, made.manifest, made.split, xgboost, config.prequential, samples=samples, seed=config.seed
    )


def _rows(learned: str, report: PrequentialReport) -> Iterator[tuple[str, ...]]:
    for model, read in report.mean.items():
        yield f"{model}, {learned}", *(read.get(name, _NONE).text() for name in report.metric_labels)
    for older in report.older:
        name = f"{report.own}, {learned}, made {older.days} days earlier ({older.folds} fold{'' if older.folds == 1 else 's'})"
        yield name, *(older.older.get(metric, _NONE).text() for metric in report.metric_labels)


def _folds(report: PrequentialReport) -> str:
    return "The one fold" if len(report.folds) == 1 else f"Each of {len(report.folds)} folds"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prequential", description=__doc__)
    add = parser.add_argument
    add("--file", metavar="DECLARATION.yaml", type=Path, required=True, help="the declared table of transactions")
    add("--about", default="a file", help="what it is, for the document")
    add("--learned", action="append", help="learn from so long, such as 7d or all; repeatable (default: as declared)")
    add("--folds", type=int, help="how many (default: as declared)")
    add("--until", choices=("test", "end"), help="where the judged days end (default: as declared)")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the pipeline; repeatable")
    add("--json", metavar="FILE", type=Path, help="where to write the last report as JSON, too")
    return parser


def main() -> int:
    """Measure and print; return the exit status."""
    options = _parser().parse_args()
    given = {name: value for name in ("folds", "until") if (value := getattr(options, name)) is not None}
    listed: list[tuple[str, ...]] = []
    try:
        if options.json is not None:
            check_output(options.json, "the report")
        config = load_config(FraudConfig, assignments=options.set)
        declaration = read_declaration(options.file).declaration
        spans = options.learned or [(declaration.validation or Validation()).train]
        for learned in spans:  # what is wrong is said before anything is read
            changed_validation(declaration, {**given, "train": learned})
        machine = describe_machine()
        with tempfile.TemporaryDirectory(prefix="fusionguard-bench-") as temporary:
            made = read_table(options.file, Path(temporary), config, given)
            sys.stderr.write(f"features: {made.seconds:.0f} s\n")
            for learned in spans:
                begin = time.monotonic()
                report = measure(with_changes(made, {"train": learned}), declaration, config)
                told = f"{learned}: {report.sentence()}; {time.monotonic() - begin:.0f} s"
                sys.stderr.write(f"{told}\n")
                listed += _rows("all days" if learned == "all" else f"learned {learned}", report)
        if options.json is not None:
            options.json.write_text(report.to_json(), encoding="utf-8")
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    protocol, until = report.protocol, "up to the end of the data" if report.shared_days else "before the test slice"
    text = "\n\n".join(
        [
            "## Transactions, on folds in time",
            f"Written by `python -m benchmarks.prequential` on {datetime.now(UTC).date().isoformat()}. {declaration.name}:"
            f" {options.about}, {made.features.rows:,} rows, {len(made.manifest.definition.model_features)} features,"
            f" made in {made.seconds:.0f} s. {_folds(report)} learns from the days given, waits"
            f" {protocol.wait_days} days until their outcomes are known, and judges the {protocol.judged_days} days after,"
            f" {until}; a {protocol.by} that is known by then is left out. Intervals draw {protocol.by}s. A perfect ranking has"
            f" {report.perfect:.3f} {protocol.by} precision@{protocol.checked}.\n\n{machine.sentences()}",
            table(("model", *report.metric_labels.values()), listed),
        ]
    )
    print(text)  # what the command is for
    return 0


if __name__ == "__main__":
    sys.exit(main())
