"""The section that is written between the markers; every verdict is computed from the numbers."""

from __future__ import annotations

from benchmarks.markdown import table
from benchmarks.starts.measuring import COMMANDS, IMPORTS, Start, StartResults

LIBRARIES = ("zenml", "mlflow", "great-expectations", "torch")
"""Those whose versions are named."""
BEGIN = "<!-- benchmarks/starts -->"


def section(results: StartResults) -> str:
    """Return the Markdown of the results, without the markers."""
    machine = results.machine
    libraries = ", ".join(f"{name} {machine.libraries[name]}" for name in LIBRARIES)
    besides = f", and {results.besides} packages besides" if results.besides else " and no more"
    opening = (
        "Written by `python -m benchmarks.starts`; all numbers come from one call, which took"
        f" {results.seconds / 60:.1f} minutes.\n\n"
        f"{machine.sentences(libraries)} Installed was what `make setup` brings{besides}."
    )
    beside = f" Before: the same in an earlier version, {results.earlier}, by turns." if results.earlier else ""
    how = (
        f"Processor seconds of the process from its start to its end, the least of {COMMANDS}, and of {IMPORTS} below; wall clock"
        " beside it. On an idle machine the two are alike; other processes lengthen the second more than the first, so the first"
        f" is judged. Modules had been compiled before, as they are after the first start.{beside}"
    )
    quick = [start for start in results.starts if start.modules is None]
    runs = [start for start in results.starts if start.modules is not None]
    return "\n\n".join(
        [
            opening,
            "## Commands",
            how,
            _table(quick),
            "## What a run imports",
            "All modules that a run of few simulated rows had loaded at its end, imported in a process that does nothing else.",
            _table(runs),
        ]
    )


def _table(starts: list[Start]) -> str:
    compared = all(start.before is not None for start in starts)
    counted = all(start.modules is not None for start in starts)
    head = ["", "processor, s", "wall clock, s", *(["before, s", "of before"] if compared else [])]
    head += ["modules", *(["before"] if compared else [])] if counted else []
    return table([*head, "target"], [_row(start) for start in starts])


def _row(start: Start) -> list[str]:
    cells = [start.name, f"**{start.now.processor:.2f}**", f"{start.now.seconds:.2f}"]
    if start.before is not None:
        cells += [f"{start.before.processor:.2f}", f"{start.now.processor / start.before.processor:.0%}"]
    if start.modules is not None:
        cells += [f"{start.modules:,}", *([f"{start.modules_before:,}"] if start.modules_before is not None else [])]
    met = start.now.processor <= start.target_seconds
    return [*cells, f"{start.target_seconds:g} s: {'met' if met else 'not met'}"]
