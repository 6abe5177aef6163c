"""What a recognised fault of the data means: its cause, and an advice that is never to train on such rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fusionguard.monitoring.findings import FAULTS, Finding

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


def fault_cause(findings: Sequence[Finding]) -> tuple[FaultCause, str] | None:
    """Return the cause that recognised faults are, and why; None without any. It comes before all others: they follow from it."""
    faults = _faults(findings)
    if not faults:
        return None
    columns = [finding for finding in faults if finding.kind not in _OF_ROWS]
    if not columns:
        cause, _, why, _ = _OF_ROWS[faults[0].kind]
        return cause, why
    subjects = list(dict.fromkeys(finding.subject for finding in columns))
    names = ", ".join(subjects[:5])
    if all(finding.certain for finding in columns):
        return "upstream data", f"values of {names} have changed as only a fault of the data before the model changes them"
    have, it = ("has", "it") if len(subjects) == 1 else ("have", "them")
    return "upstream data", f"{names} {have} changed alone, as a fault of the data before the model would change {it}"


def fault_advice(findings: Sequence[Finding]) -> tuple[FaultAction, str] | None:
    """Return what to do about recognised faults, and why; None without any."""
    faults = _faults(findings)
    if not faults:
        return None
    columns = [finding for finding in faults if finding.kind not in _OF_ROWS]
    if not columns:
        _, action, _, advice = _OF_ROWS[faults[0].kind]
        return action, advice
    if any(finding.certain for finding in columns):
        return "fix data", "correct the source of these values; until then take the scores of such rows with care"
    return ASK_OWNER, "ask whether these values are meant before anything else is done: a real change could look the same"


def untrainable(findings: Sequence[Finding]) -> str | None:
    """Say why no model may learn from a window: what was found broken in it; None where nothing was."""
    faults = _faults(findings)
    if not faults:
        return None
    named = "; ".join(finding.sentence for finding in faults[:3])
    return f"a model would learn the fault of these rows: {named}; choose a window without them (window.since, window.until)"


def _faults(findings: Sequence[Finding]) -> list[Finding]:
    """Return the recognised faults, the gravest first."""
    faults = [finding for finding in findings if finding.kind in FAULTS]
    return sorted(faults, key=lambda finding: finding.level != "act")
