"""``python -m benchmarks.declared``: measure the untuned churn models and write their section into docs/benchmarks.md."""

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


def main() -> int:
    """Measure and write; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.declared", description=__doc__)
    add = parser.add_argument
    add("--schema", action="append", choices=tuple(SCHEMAS), help="only this schema; repeatable (default: all)")
    add("--file", metavar="DECLARATION.yaml", type=Path, action="append", default=[], help="and this declared table; repeatable")
    add("--folds", type=int, default=5)
    add("--output", metavar="FILE.md", type=Path, help="write the section into this file instead of docs/benchmarks.md")
    options = parser.parse_args()
    machine, measured = describe_machine(), dict[str, TableQuality]()
    try:
        with tempfile.TemporaryDirectory(prefix="fusionguard-bench-") as temporary:
            for name in options.schema or SCHEMAS:
                measured[name] = _of_schema(name, Path(temporary) / name, options.folds)
                sys.stderr.write(f"{sentence(name, measured[name])}\n")
            for file in options.file:
                name = read_declaration(file).declaration.name
                measured[name] = measure_table(file, "a file", Path(temporary) / name, folds=options.folds, truth=None)
                sys.stderr.write(f"{sentence(name, measured[name])}\n")
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    text = declared_section(measured, folds=options.folds, day=datetime.now(UTC).date(), machine=machine)
    if options.output is not None:
        write_text(options.output, f"{text}\n")
    else:
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BEGIN))
    return 0


def _of_schema(name: str, folder: Path, folds: int) -> TableQuality:
    schema = SCHEMAS[name](np.random.default_rng([_SEED, *name.encode()]))
    declaration = schema.write(folder, "churn")
    truth = {f"R{place}": float(chance) for place, chance in enumerate(schema.chance)}
    return measure_table(declaration, schema.about, folder, folds=folds, truth=truth)


if __name__ == "__main__":
    sys.exit(main())
