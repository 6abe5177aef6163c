"""``python -m benchmarks.declared``: measure the untuned models and write their section into docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.declared.measure import TableQuality, measure_table
from benchmarks.declared.schemas import SCHEMAS
from benchmarks.declared.section import BEGIN, declared_section, sentence
from benchmarks.machine import describe_machine
from benchmarks.markdown import insert
from benchmarks.measure import CHECKOUT
from fusionguard.datasets.reading import read_declaration
from fusionguard.errors import FusionGuardError
from fusionguard.files import write_text

_DOCUMENT = CHECKOUT / "docs" / "benchmarks.md"
_SEED = 17
RARITY = {"fraud": 0.25, "churn": 1.0}
"""By family, what multiplies a schema's share of positive rows: frauds are rarer than customers who leave."""


def main() -> int:
    """Measure and write; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.declared", description=__doc__)
    add = parser.add_argument
    add("--schema", action="append", choices=tuple(SCHEMAS), help="only this schema; repeatable (default: all)")
    add("--problem", action="append", choices=tuple(RARITY), help="only this family; repeatable (default: all)")
    add("--file", metavar="DECLARATION.yaml", type=Path, action="append", default=[], help="and this declared table; repeatable")
    add("--folds", type=int, default=5)
    add("--output", metavar="FILE.md", type=Path, help="write the section into this file instead of docs/benchmarks.md")
    options = parser.parse_args()
    machine = describe_machine()
    measured: dict[str, dict[str, TableQuality]] = {problem: {} for problem in options.problem or RARITY}
    try:
        with tempfile.TemporaryDirectory(prefix="fusionguard-bench-") as temporary:
            for problem, tables in measured.items():
                for name in options.schema or SCHEMAS:
                    tables[name] = _of_schema(name, problem, Path(temporary) / problem / name, options.folds)
                    sys.stderr.write(f"{sentence(name, tables[name])}\n")
            for file in options.file:
                declaration = read_declaration(file).declaration
                quality = measure_table(file, "a file", Path(temporary) / declaration.name, folds=options.folds, truth=None)
                measured.setdefault(declaration.problem, {})[declaration.name] = quality
                sys.stderr.write(f"{sentence(declaration.name, quality)}\n")
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    text = declared_section(measured, folds=options.folds, day=datetime.now(UTC).date(), machine=machine)
    if options.output is not None:
        write_text(options.output, f"{text}\n")
    else:
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BEGIN))
    return 0


def _of_schema(name: str, problem: str, folder: Path, folds: int) -> TableQuality:
    schema = SCHEMAS[name](np.random.default_rng([_SEED, *name.encode()]), RARITY[problem])
    declaration = schema.write(folder, problem)
    truth = {f"R{place}": float(chance) for place, chance in enumerate(schema.chance)}
    return measure_table(declaration, schema.about, folder, folds=folds, truth=truth)


if __name__ == "__main__":
    sys.exit(main())
