"""What a recognised fault of the data means: its cause, and an advice that is never to train on such rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Literal

from fusionguard.monitoring.approval import ROWS, approving
from fusionguard.monitoring.findings import OUTCOME, Finding, Kind, graver, worst

MadeOf = Mapping[str, Sequence[str]]
"""Features that no client sends, and the columns that they are computed of: a fault of those is in them, too."""

FaultCause = Literal["upstream data", "burst", "missing hours"]
FaultAction = Literal["fix data", "ask the data's owner", "look at the burst", "find the missing hours"]

ASK_OWNER: FaultAction = "ask the data's owner"
_OF_ROWS: dict[str, tuple[FaultCause, FaultAction, str, str]] = {
    "burst": (
        "burst",
        "look at the burst",
        "many rows that are nearly the same came within an hour: a repeated batch, a test, or an attack",
        "find out who sent these rows and why, and leave them out until that is known: they would outweigh all others",
    ),
    "absent_hours": (
        "missing hours",
        "find the missing hours",
        "rows of some hours of the day have stopped coming: what is left looks like another population and need not be one",
        "ask whether rows of these hours exist and where they were lost, and read the window again when they are there",
    ),
}

_SHARES: frozenset[Kind] = frozenset({"spike", "rounding", "burst"})
"""Faults whose effect is the share of rows that have them."""
_SMALLEST_GROUP = 0.05
"""Of the groups of a PSI, which are of about a tenth of the rows each."""


def fault_cause(findings: Sequence[Finding], made_of: MadeOf) -> tuple[FaultCause, str] | None:
    """Return the cause that recognised faults are, and why; None where there are none, or something else is graver.

    They come before all that is as grave, for that follows from them, and before what is graver in their columns or in scores.
    """
    faults = _deciding(findings, made_of)
    if not faults:
        return None
    columns = [finding for finding in faults if finding.kind not in _OF_ROWS]
    if not columns:
        cause, _, why, _ = _OF_ROWS[faults[0].kind]
        return cause, why
    subjects = list(dict.fromkeys(finding.title for finding in columns))
    names = ", ".join(subjects[:5])
    if all(finding.certain for finding in columns):
        return "upstream data", f"values of {names} have changed as only a fault of the data before the model changes them"
    have, it = ("has", "it") if len(subjects) == 1 else ("have", "them")
    return "upstream data", f"{names} {have} changed alone, as a fault of the data before the model would change {it}"


def fault_advice(findings: Sequence[Finding], made_of: MadeOf) -> tuple[FaultAction, str] | None:
    """Return what to do about the faults that are the cause (:func:`fault_cause`), and why; None where none are."""
    faults = _deciding(findings, made_of)
    if not faults:
        return None
    columns = [finding for finding in faults if finding.kind not in _OF_ROWS]
    if not columns:
        _, action, _, advice = _OF_ROWS[faults[0].kind]
        return action, advice
    if any(finding.certain for finding in columns):
        correct = "correct the source of these values; until then take the scores of such rows with care"
        return "fix data", correct + _besides(findings, faults)
    asked = "ask whether these values are meant before anything else is done: a real change could look the same"
    return ASK_OWNER, f"{asked}; if they are, judge the window again with {approving(columns)}"


def _besides(findings: Sequence[Finding], faults: Sequence[Finding]) -> str:
    """Say what is graver than the faults, and more than the rows that have them can have caused; nothing where nothing is."""
    if not all(fault.kind in _SHARES for fault in faults):
        return ""
    share = min(1.0, sum(fault.effect for fault in faults))
    more = [each for each in findings if graver(each.level, faults[0].level) and not _may_be_of(each, share)]
    if not more:
        return ""
    told = "; ".join(finding.told for finding in more[:3])
    return f". That is {share:.1%} of the rows and too few to explain the rest, so find out what has changed there, too: {told}"


def _may_be_of(finding: Finding, share: float) -> bool:
    """Tell whether a share of rows, whatever they hold, can have made a distribution as different as was found.

    They move no more than themselves: of the PSI, at most all of them into the smallest of its groups. Nobody knows how many of
    a segment's rows they are.
    """
    if finding.segment or share >= 1:
        return True
    if finding.kind == "ks":
        return finding.effect <= share
    if finding.kind == "psi":
        grown = share * (1 - _SMALLEST_GROUP)
        return finding.effect <= grown * log(1 + grown / _SMALLEST_GROUP) - share * log(1 - share)
    return finding.kind != "alert_rate" or finding.low is None or finding.low <= share


def untrainable(findings: Sequence[Finding]) -> str | None:
    """Say why no model may learn from a window: what is broken in it, grave or not; None where nothing is."""
    broken = _broken(findings)
    if not broken:
        return None
    named = "; ".join(finding.told for finding in broken[:3])
    why = f"a model would learn what is broken in these rows: {named}; choose a window without them (window.since, window.until)"
    setting = approving(broken)
    return f"{why}, or approve what the data's owner says is meant, of {setting}" if setting else why


def broken_columns(findings: Sequence[Finding]) -> str:
    """Name up to five columns that are broken in some rows, the gravest first; empty where none are."""
    subjects = ["whole rows" if finding.kind in _OF_ROWS else finding.title for finding in _broken(findings)]
    return ", ".join(list(dict.fromkeys(subjects))[:5])


def _broken(findings: Sequence[Finding]) -> list[Finding]:
    """Return what marks broken data, the gravest first."""
    return sorted((finding for finding in findings if finding.is_broken), key=lambda finding: finding.level != "act")


def _deciding(findings: Sequence[Finding], made_of: MadeOf) -> list[Finding]:
    """Return the gravest recognised faults; none where something graver is found that does not follow from them."""
    faults = [finding for finding in findings if finding.is_fault]
    level = worst(faults)
    if any(graver(finding.level, level) and not _follows(finding, faults, made_of) for finding in findings):
        return []
    return [finding for finding in faults if finding.level == level]


def _follows(finding: Finding, faults: Sequence[Finding], made_of: MadeOf) -> bool:
    """Tell whether a finding may be nothing but a trace of faults, in their columns or in scores; outcomes are more than that."""
    if finding.kind in OUTCOME:
        return False
    if not finding.is_of_rows:
        return True
    columns = {column for fault in faults for column in fault.subject.split(" and ")}
    return ROWS in columns or bool(columns & {finding.subject, *made_of.get(finding.subject, ())})
