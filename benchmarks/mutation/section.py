"""The section of docs/testing.md that a mutation run writes: a line a module, and every survivor with its reason."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.markdown import table
from benchmarks.mutation.run import Outcome, Survivor

BEGIN, END = "<!-- benchmarks/mutation -->", "<!-- end of benchmarks/mutation -->"
LEAST_KILLED = 0.9


def failures(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a line for each module of which fewer than nine in ten mutants were killed."""
    return [
        f"{outcome.module.file}: {outcome.killed} of {outcome.mutants} killed ({outcome.share:.0%})"
        for outcome in outcomes
        if outcome.share < LEAST_KILLED
    ]


def section(outcomes: Sequence[Outcome], *, minutes: float) -> str:
    """Return the Markdown of the outcomes, without the markers."""
    mutants, killed = sum(outcome.mutants for outcome in outcomes), sum(outcome.killed for outcome in outcomes)
    below = failures(outcomes)
    verdict = f"Not met by {len(below)} of {len(outcomes)} modules." if below else "Met by every module."
    opening = (
        f"Written by `make mutation`, which took {minutes:.0f} minutes: {killed:,} of {mutants:,} mutants killed"
        f" ({killed / mutants:.1%}). The target is {LEAST_KILLED:.0%} of each module, equivalent mutants counted as survivors: "
        f"{verdict}"
    )
    head = ("module", "mutants", "killed", "share", "equivalent", "unexplained")
    return "\n\n".join([opening, table(head, map(_row, outcomes)), *filter(None, map(_survivors, outcomes))])


def insert(document: str, text: str) -> str:
    """Return the document with ``text`` between its markers; raise ValueError where it lacks them."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the document lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def _row(outcome: Outcome) -> tuple[str, ...]:
    unexplained = len(outcome.unexplained)
    numbers = (outcome.mutants, outcome.killed, f"{outcome.share:.0%}", len(outcome.survivors) - unexplained, unexplained)
    return (f"`{outcome.module.file}`", *map(str, numbers))


def _survivors(outcome: Outcome) -> str:
    lines = [_told(survivor) for survivor in outcome.survivors]
    return f"**{outcome.module.file}**\n\n" + "\n".join(lines) if lines else ""


def _told(survivor: Survivor) -> str:
    reason = survivor.equivalent.reason if survivor.equivalent else "unexplained"
    return f"- `{survivor.function}`: `{survivor.before}` becomes `{survivor.after or 'nothing'}`: {reason}"
