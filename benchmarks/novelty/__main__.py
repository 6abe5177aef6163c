"""``python -m benchmarks.novelty``: how much is found of a kind of fraud that no model has learned from, in its first week.

Trees are trained without the frauds of one kind, and asked about the first week in which it appears; so for every kind, and for
several weeks. Some of a day's reviews go to what a measure of the unusual names, in place of the trees' last ones.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from benchmarks.machine import describe_machine
from benchmarks.markdown import insert
from benchmarks.measure import CHECKOUT
from benchmarks.novelty.measure import Judged, Plan, Source, measure
from benchmarks.novelty.reading import hits, read_signals
from benchmarks.novelty.section import BEGIN, section
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.reading import read_declaration
from fusionguard.datasets.shipped import Wanted, declared_names
from fusionguard.datasets.simulated import simulate_declared
from fusionguard.errors import FusionGuardError
from fusionguard.families.fraud.card import unseen
from fusionguard.families.fraud.card.unseen import Budget, BudgetReading, UnseenKinds, measured
from fusionguard.files import write_bytes, write_text

_DOCUMENT = CHECKOUT / "docs" / "benchmarks.md"
_SEEDS = (7,)
_KEPT = Path(unseen.__file__).with_name("unseen_kinds.json")


def main(arguments: list[str] | None = None) -> int:
    """Measure, keep and write; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.file is not None) != (options.published or options.kinds is not None) or (options.published and options.kinds):
        parser.error("give --file with --kinds or --published")
    machine = describe_machine()
    try:
        with tempfile.TemporaryDirectory(prefix="fusionguard-bench-") as temporary:
            sources, about = _sources(options, Path(temporary))
            judged = [each for source in sources for each in measure(source, Plan(weeks=options.weeks))]
        declaration = sources[0].declared.declaration
        names = declaration.name, str(declaration.owner), about
        found = read(judged, names, options.weeks, Budget(reviews=options.reviews, unusual=options.unusual))
    except FusionGuardError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    kept = beside(found, measured())
    text = section([found] if options.output is not None else kept, machine.sentences())
    if options.output is not None:
        write_text(options.output, f"{text}\n")
    else:
        write_bytes(_KEPT, TypeAdapter(tuple[UnseenKinds, ...]).dump_json(kept, indent=1) + b"\n")
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BEGIN))
    return 0


def beside(found: UnseenKinds, kept: tuple[UnseenKinds, ...]) -> tuple[UnseenKinds, ...]:
    """Return the kept measurements with this one in the place of that of its data set, or behind them."""
    if all(each.name != found.name for each in kept):
        return *kept, found
    return tuple(found if each.name == found.name else each for each in kept)


def read(judged: list[Judged], names: tuple[str, str, str], weeks: int, budget: Budget) -> UnseenKinds:
    """Read what was judged within the budget, with three times as many reviews for the unusual, and with a quarter of both.

    ``names`` are the data set's, what its owners are called, and what its rows are.
    """
    wider = budget.model_copy(update={"unusual": 3 * budget.unusual})
    fewer = [Budget(reviews=max(1, each.reviews // 4), unusual=each.unusual // 4) for each in (budget, wider)]
    budgets = [budget, wider, *fewer]
    readings = tuple(BudgetReading(budget=each, signals=read_signals(judged, each)) for each in budgets)
    name, owner, about = names
    today = datetime.now(UTC).date()
    return UnseenKinds(day=today, name=name, owner=owner, about=about, weeks=weeks, hit=hits(judged), readings=readings)


def _sources(options: argparse.Namespace, folder: Path) -> tuple[list[Source], str]:
    if options.file is not None:
        declared = read_declaration(options.file)
        rows = options.file.parent / str(declared.declaration.rows)
        source = Source.read(declared, rows, options.kinds)
        if options.published:
            days = int(source.day.max() - source.day.min()) + 1
            about = (
                f"{source.table.num_rows:,} **simulated** rows of {days} days, made by the Fraud Detection Handbook's simulator"
            )
            return [source], f"{about}; their kinds are told apart by its rules"
        return [source], f"{declared.declaration.name}, {options.about}"
    name, sources = declared_names()[0], list[Source]()
    for seed in options.seed or _SEEDS:
        rows, kinds = folder / f"rows-{seed}.parquet", folder / f"kinds-{seed}.parquet"
        simulate_declared(name, Wanted(options.rows, seed), rows, kinds)
        sources.append(Source.read(find_dataset(name), rows, kinds))
    each = f" from each of {len(sources)} seeds" if len(sources) > 1 else ""
    return sources, f"{name}, {options.rows:,} **simulated** rows{each}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.novelty", description=__doc__)
    add = parser.add_argument
    add("--rows", type=int, default=300_000, help="how many rows to simulate")
    add("--seed", type=int, action="append", help="of the simulator; repeatable (default: 7)")
    add("--file", metavar="DECLARATION.yaml", type=Path, help="a declared table of your own, in parquet, instead")
    add("--kinds", metavar="FILE.parquet", type=Path, help="its frauds: the id, kind and case of each")
    add(
        "--published",
        action="store_true",
        help="with --file: rows of the Fraud Detection Handbook's simulator, kinds by its rules",
    )
    add("--about", default="a file", help="what it is, for the document")
    add("--weeks", type=int, default=3)
    add("--reviews", type=int, default=100, help="owners that are reviewed a day")
    add("--unusual", type=int, default=10, help="how many of these for being unusual")
    add("--output", metavar="FILE.md", type=Path, help="write the section into this file, and keep nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
