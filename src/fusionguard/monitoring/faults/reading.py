"""All faults of a window, judged as one family."""

from __future__ import annotations

from itertools import chain

from fusionguard.monitoring.faults.evidence import gather
from fusionguard.monitoring.faults.mark import Mark
from fusionguard.monitoring.faults.spikes import find_spikes
from fusionguard.monitoring.findings import Check, Finding, judge
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.sketch import Sketch
from fusionguard.monitoring.thresholds import MonitoringThresholds

STRICTER = 10.0
"""Faults are as plain as day or they are none: as a family they may find something by chance this many times less often."""

ROWS = "rows"
"""The subject of a fault of whole rows."""

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
    marks = list(chain(find_spikes(evidence, limits)))
    dated = {(mark.kind, _subject(mark)): mark.since for mark in marks}
    found = judge([_check(mark, limits, len(evidence.columns)) for mark in marks], limits.chance)
    return (
        tuple(
            finding.model_copy(update={"since": dated[finding.kind, finding.subject]})
            for finding in found
            if finding.level != "none"
        ),
        (),
    )


def _subject(mark: Mark) -> str:
    return " and ".join(mark.columns) or ROWS


def _check(mark: Mark, limits: MonitoringThresholds, columns: int) -> Check:
    return Check(
        kind=mark.kind,
        subject=_subject(mark),
        effect=mark.effect,
        watch=getattr(limits, f"{mark.kind}_watch"),
        act=getattr(limits, f"{mark.kind}_act"),
        # Only suspects become marks; Holm must count all columns that could have been one.
        chance=min(1.0, mark.chance * columns * STRICTER),
        sentence=mark.sentence,
        certain=not mark.asks_owner,
    )
