"""``python -m benchmarks.declared``: measure the untuned models and write what each table gave into docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.declared.measure import TableQuality, measure_table
from benchmarks.declared.results import RESULTS, TableResult, keep, read_results, renew
from benchmarks.declared.schemas import SCHEMAS
from benchmarks.declared.section import BEGIN, declared_section, sentence
from benchmarks.machine import describe_machine
from benchmarks.markdown import insert
from benchmarks.measure import CHECKOUT
from fusionguard.datasets.reading import read_declaration
from fusionguard.errors import FusionGuardError
from fusionguard.files import write_text
from fusionguard.models.packages import XGBOOST

_DOCUMENT = CHECKOUT / "docs" / "benchmarks.md"
_LIBRARIES = (XGBOOST, "lightgbm", "catboost")
_SEED = 17
RARITY = {"fraud": 0.25, "churn": 1.0}
"""By family, what multiplies a schema's share of positive rows: frauds are rarer than customers who leave."""


def main(arguments: list[str] | None = None) -> int:
    """Measure, keep and write; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if len(options.about) != len(options.file):
        parser.error("say of each --file what its rows are, with an --about TEXT, in the same order")
    machine, results = describe_machine(_LIBRARIES), tuple[TableResult, ...]()
    try:
        with tempfile.TemporaryDirectory(prefix="fusionguard-bench-") as temporary:
            begin = time.monotonic()
            for problem, name, quality in _measured(options, Path(temporary)):
                sys.stderr.write(f"{sentence(name, quality, time.monotonic() - begin)}\n")
                day = datetime.now(UTC).date()
                result = TableResult(problem=problem, name=name, day=day, machine=machine, quality=quality)
                results = renew(results, result)
                if options.output is None:
                    keep(result, RESULTS)
                begin = time.monotonic()
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    if options.output is not None:
        write_text(options.output, f"{declared_section(results)}\n")
    else:
        text = declared_section(read_results(RESULTS))
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BEGIN))
    return 0


def _measured(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, str, TableQuality]]:
    """Yield problem, name and quality of each table that is asked for: all schemas where nothing is."""
    asked = options.schema or options.problem
    if asked or not (options.file or options.kept):
        for problem in options.problem or RARITY:
            for name in options.schema or SCHEMAS:
                yield problem, name, _of_schema(name, problem, folder / problem / name, options.folds)
    for file, about in zip(options.file, options.about, strict=True):
        declaration = read_declaration(file, tuple(RARITY)).declaration
        own = folder / "files" / declaration.problem / declaration.name
        yield declaration.problem, declaration.name, measure_table(file, about, own, folds=options.folds, truth=None)


def _of_schema(name: str, problem: str, folder: Path, folds: int) -> TableQuality:
    schema = SCHEMAS[name](np.random.default_rng([_SEED, *name.encode()]), RARITY[problem])
    declaration = schema.write(folder, problem)
    truth = {f"R{place}": float(chance) for place, chance in enumerate(schema.chance)}
    return measure_table(declaration, schema.about, folder, folds=folds, truth=truth)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.declared", description=__doc__)
    add = parser.add_argument
    add("--schema", action="append", choices=tuple(SCHEMAS), help="this schema; repeatable (default: all, or none with --file)")
    add("--problem", action="append", choices=tuple(RARITY), help="schemas of this family only; repeatable (default: all)")
    add("--file", metavar="DECLARATION.yaml", type=Path, action="append", default=[], help="this declared table; repeatable")
    add("--about", metavar="TEXT", action="append", default=[], help="what the rows of the --file are; once for each")
    add("--folds", type=int, default=5)
    add("--kept", action="store_true", help="measure no schema: write the section anew from what is kept")
    add("--output", metavar="FILE.md", type=Path, help="write a section of this call alone into this file, and keep nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
