"""``python -m benchmarks.mutation``: mutate the modules that compute, and write what their tests noticed into docs/testing.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.markdown import insert
from benchmarks.measure import CHECKOUT
from benchmarks.mutation.plan import Module, read_plan
from benchmarks.mutation.results import ModuleResult, keep_result, read_results, result_of
from benchmarks.mutation.run import mutate
from benchmarks.mutation.section import BEGIN, failures, section, survivors
from fusionguard.files import write_text

_DOCUMENT = CHECKOUT / "docs" / "testing.md"
_SURVIVORS = CHECKOUT / "benchmarks" / "mutation" / "survivors.md"


def main() -> int:
    """Mutate and report; return 1 where a module's tests let too many mutants pass."""
    parser = argparse.ArgumentParser(prog="benchmarks.mutation", description="Let the tests run against mutants of the code.")
    parser.add_argument("modules", nargs="*", help="parts of file names, such as evaluation/metrics; all of plan.yaml by default")
    parser.add_argument("--mutants", default="*", help="a pattern for the end of mutants' names, such as '*_*7' for every tenth")
    parser.add_argument("--processes", type=int, default=2, help="how many mutants are tested at a time")
    parser.add_argument("--survivors", type=Path, help="write the unexplained survivors into this file")
    options = parser.parse_args()
    plan = read_plan()
    chosen = [module for module in plan if not options.modules or any(part in module.file for part in options.modules)]
    if not chosen:
        parser.error(f"no module of the plan has {' or '.join(options.modules)} in its name")
    results = [_reported(module, options.mutants, options.processes) for module in chosen]
    if options.survivors is not None:
        write_text(options.survivors, "".join(map(_unexplained, results)))
    if options.mutants == "*":  # a part of the mutants says nothing about the whole
        planned = [module.file for module in plan]
        text = section(read_results(), planned)
        write_text(_SURVIVORS, survivors(read_results(), planned))
        write_text(_DOCUMENT, insert(_DOCUMENT.read_text(encoding="utf-8"), text, BEGIN))
    below = failures(results)
    sys.stderr.writelines(f"too few killed: {line}\n" for line in below)
    return 1 if below else 0


def _reported(module: Module, mutants: str, processes: int) -> ModuleResult:
    result = result_of(mutate(module, mutants=mutants, processes=processes))
    if mutants == "*":
        keep_result(result)
    counted = f"{result.killed} of {result.mutants} killed ({result.share:.0%}), {result.unexplained} unexplained"
    sys.stderr.write(f"{module.file}: {counted}\n")
    sys.stderr.flush()
    return result


def _unexplained(result: ModuleResult) -> str:
    unexplained = [one for one in result.survivors if not one.reason]
    return "".join(f"{result.file} {one.function}\n  - {one.before}\n  + {one.after}\n" for one in unexplained)


if __name__ == "__main__":
    sys.exit(main())
