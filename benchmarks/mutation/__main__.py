"""``python -m benchmarks.mutation``: mutate the modules that compute, and write what their tests noticed into docs/testing.md."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks.measure import CHECKOUT
from benchmarks.mutation.plan import Module, read_plan
from benchmarks.mutation.run import Outcome, mutate
from benchmarks.mutation.section import failures, insert, section
from fusionguard.files import write_text

_DOCUMENT = CHECKOUT / "docs" / "testing.md"


def main() -> int:
    """Mutate and report; return 1 where a module's tests let too many mutants pass."""
    parser = argparse.ArgumentParser(prog="benchmarks.mutation", description="Let the tests run against mutants of the code.")
    parser.add_argument("modules", nargs="*", help="parts of file names, such as evaluation/metrics; all of plan.yaml by default")
    parser.add_argument("--mutants", default="*", help="a pattern for the end of mutants' names, such as '*_*7' for every tenth")
    parser.add_argument("--processes", type=int, default=2, help="how many mutants are tested at a time")
    parser.add_argument("--survivors", type=Path, help="write the unexplained survivors into this file")
    options = parser.parse_args()
    chosen = [module for module in read_plan() if not options.modules or any(part in module.file for part in options.modules)]
    if not chosen:
        parser.error(f"no module of the plan has {' or '.join(options.modules)} in its name")
    begin = time.monotonic()
    outcomes = [_reported(module, options.mutants, options.processes) for module in chosen]
    if options.survivors is not None:
        write_text(
            options.survivors, "".join(f"{s.name}\n  - {s.before}\n  + {s.after}\n" for o in outcomes for s in o.unexplained)
        )
    if not options.modules and options.mutants == "*":
        text = section(outcomes, minutes=(time.monotonic() - begin) / 60)
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text))
    below = failures(outcomes)
    sys.stderr.writelines(f"too few killed: {line}\n" for line in below)
    return 1 if below else 0


def _reported(module: Module, mutants: str, processes: int) -> Outcome:
    outcome = mutate(module, mutants=mutants, processes=processes)
    open_ones = len(outcome.unexplained)
    sys.stderr.write(
        f"{module.file}: {outcome.killed} of {outcome.mutants} killed ({outcome.share:.0%}), {open_ones} unexplained\n"
    )
    sys.stderr.flush()
    return outcome


if __name__ == "__main__":
    sys.exit(main())
