"""All faults of a window, judged as one family."""

from __future__ import annotations

from itertools import chain

from fusionguard.monitoring.approval import ROWS
from fusionguard.monitoring.faults.bursts import find_burst
from fusionguard.monitoring.faults.evidence import Evidence, gather
from fusionguard.monitoring.faults.hours import find_absent_hours
from fusionguard.monitoring.faults.mark import Mark
from fusionguard.monitoring.faults.moves import find_moves
from fusionguard.monitoring.faults.rounding import find_roundings
from fusionguard.monitoring.faults.spikes import find_spikes
from fusionguard.monitoring.faults.swaps import find_swaps
from fusionguard.monitoring.findings import Check, Finding, judge
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.sketch import Sketch
from fusionguard.monitoring.thresholds import MonitoringThresholds

_FINDERS = (find_swaps, find_roundings, find_moves, find_spikes, find_absent_hours)
"""Of two marks of one column that say as much, the earlier finder's names the fault."""

STRICTER = 10.0
"""Faults are as plain as day or they are none: as a family they may find something by chance this many times less often."""

NOT_JUDGED = (
    "frozen, swapped, rounded, displaced, repeated and absent values were not looked for: the model's training kept no rows"
)


def read_faults(
    sketch: Sketch, reference: Reference, limits: MonitoringThresholds
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Look for faults of the data before the model in the samples of a window and of its reference.

    They work on rows, not on counts by bin: up to ten thousand of each, drawn at random, whatever engine counted. A fault of a
    share s of the rows is in s of the sample.

    Returns
    -------
        Findings with a level, and remarks on what could not be judged.
    """
    evidence = gather(sketch, reference)
    if evidence is None:
        return (), (NOT_JUDGED,)
    burst = find_burst(evidence, limits)
    rest = evidence if burst is None else evidence.without(burst[1])
    marks = _named_once(list(chain.from_iterable(find(rest, limits) for find in _FINDERS)))
    marks += [] if burst is None else [burst[0]]
    dated = {(mark.kind, _subject(mark)): mark.since for mark in marks}
    found = judge([_check(mark, limits, evidence) for mark in marks], limits.chance)
    return (
        tuple(
            finding.model_copy(update={"since": dated[finding.kind, finding.subject]})
            for finding in found
            if finding.level != "none"
        ),
        (),
    )


def _named_once(marks: list[Mark]) -> list[Mark]:
    """Leave out what follows from another mark of the same column: values of a rounded column are ties, too."""
    kept: list[Mark] = []
    for mark in marks:
        if not mark.columns or not any(set(mark.columns) <= set(other.columns) and _covers(other, mark) for other in kept):
            kept.append(mark)
    return kept


def _covers(other: Mark, mark: Mark) -> bool:
    return other.kind == "swap" or mark.kind != "spike" or other.kind == "displaced" or other.effect >= mark.effect


def _subject(mark: Mark) -> str:
    return " and ".join(mark.columns) or ROWS


def _words(mark: Mark, evidence: Evidence) -> str:
    columns = [evidence.columns[name] for name in mark.columns]
    return " and ".join(column.title for column in columns) if any(column.words for column in columns) else ""


def _check(mark: Mark, limits: MonitoringThresholds, evidence: Evidence) -> Check:
    return Check(
        kind=mark.kind,
        subject=_subject(mark),
        effect=mark.effect,
        watch=getattr(limits, f"{mark.kind}_watch"),
        act=getattr(limits, f"{mark.kind}_act"),
        # Only suspects become marks; Holm must count all columns that could have been one.
        chance=min(1.0, mark.chance * len(evidence.columns) * STRICTER),
        sentence=mark.sentence,
        certain=not mark.asks_owner,
        words=_words(mark, evidence),
    )
