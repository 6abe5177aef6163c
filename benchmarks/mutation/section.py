"""The section of docs/testing.md about mutants: a line a module as it was last measured, and every survivor with its reason."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.markdown import table
from benchmarks.mutation.results import ModuleResult, SurvivorResult

BEGIN = "<!-- benchmarks/mutation -->"
LEAST_KILLED = 0.9


def failures(results: Sequence[ModuleResult]) -> list[str]:
    """Return a line for each module of which fewer than nine in ten mutants were killed."""
    return [
        f"{result.file}: {result.killed} of {result.mutants} killed ({result.share:.0%})"
        for result in results
        if result.share < LEAST_KILLED
    ]


def section(results: Sequence[ModuleResult], planned: Sequence[str]) -> str:
    """Return the Markdown of what was measured of the ``planned`` files, without the markers."""
    measured = [result for result in results if result.file in planned]
    mutants, killed = sum(result.mutants for result in measured), sum(result.killed for result in measured)
    below = failures(measured)
    verdict = f"Not met by {len(below)} of {len(measured)} modules." if below else "Met by every module below."
    missing = sorted(set(planned) - {result.file for result in measured})
    opening = (
        f"Written by `make mutation`, module by module: {killed:,} of {mutants:,} mutants killed"
        f" ({killed / max(mutants, 1):.1%}). The target is {LEAST_KILLED:.0%} of each module, equivalent mutants counted as"
        f" survivors: {verdict}"
    )
    if missing:
        opening += f" Not measured yet: {', '.join(f'`{file}`' for file in missing)}."
    head = ("module", "mutants", "killed", "share", "equivalent", "unexplained", "measured")
    return f"{opening}\n\n{table(head, map(_row, measured))}"


def survivors(results: Sequence[ModuleResult], planned: Sequence[str]) -> str:
    """Return the Markdown of the mutants that survived in the ``planned`` files, each with the reason why."""
    lists = [_survivors(result) for result in results if result.file in planned]
    return "\n\n".join(["# Mutants that survive", "Written by `make mutation`, module by module.", *filter(None, lists)]) + "\n"


def _row(result: ModuleResult) -> tuple[str, ...]:
    equivalent = len(result.survivors) - result.unexplained
    numbers = (result.mutants, result.killed, f"{result.share:.0%}", equivalent, result.unexplained)
    return (f"`{result.file}`", *map(str, numbers), "as it is" if result.is_current else "before its last change")


def _survivors(result: ModuleResult) -> str:
    lines = [_told(survivor) for survivor in result.survivors]
    return f"**{result.file}**\n\n" + "\n".join(lines) if lines else ""


def _told(survivor: SurvivorResult) -> str:
    after, reason = survivor.after or "nothing", survivor.reason or "unexplained"
    return f"- `{survivor.function}`: `{survivor.before}` becomes `{after}`: {reason}"
