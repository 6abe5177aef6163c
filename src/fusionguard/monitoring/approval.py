"""Changes of the data that their owner says are meant: another population, and no fault."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from fusionguard.monitoring.findings import Finding

ApprovableKind = Literal[
    "missing", "new_category", "out_of_range", "scale", "spike", "rounding", "swap", "displaced", "absent_hours", "miscoded"
]
"""All marks of broken data but a burst: rows that are sent many times outweigh all others, whoever means them."""

ROWS = "rows"
"""The subject of a fault of whole rows."""


class ApprovedChange(BaseModel):
    """One kind of finding in one column that is meant; a finding of another kind there is none the less a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ApprovableKind
    column: str
    """The column; of features that changed places both, as in ``V3 and V20``; of absent hours ``rows``."""
    by: str = Field(default="the data's owner", min_length=1, max_length=200)
    """Who says so, and where that is written down; it is told with the verdict and with what is trained on such rows."""

    def covers(self, finding: Finding) -> bool:
        """Tell whether a finding is of this kind and column, in all rows or in a segment."""
        return (finding.kind, _names(finding.subject)) == (self.kind, _names(self.column))

    def unknown_columns(self, known: Iterable[str]) -> list[str]:
        """Return the columns named that are not among known ones."""
        allowed = {ROWS} if self.kind == "absent_hours" else set(known)
        return sorted(_names(self.column) - allowed)


def approve(findings: Iterable[Finding], approved: Sequence[ApprovedChange]) -> tuple[Finding, ...]:
    """Mark those findings that are approved, and say so in their sentences."""
    return tuple(_approved(finding, approved) for finding in findings)


def not_found(approved: Iterable[ApprovedChange], findings: Sequence[Finding]) -> tuple[str, ...]:
    """Say of each approval that nothing was found for it."""
    found = [finding for finding in findings if finding.level != "none"]
    return tuple(
        f"approved, and not found: {each.kind} of {each.column}; leave the approval out, or it hides the next such change"
        for each in approved
        if not any(each.covers(finding) for finding in found)
    )


def approving(findings: Iterable[Finding]) -> str:
    """Return the setting that would approve all findings that can be approved; empty where none can."""
    each = [f"{{kind: {finding.kind}, column: {finding.subject}}}" for finding in findings if finding.kind in _APPROVABLE]
    return f"approved=[{', '.join(dict.fromkeys(each))}]" if each else ""


_APPROVABLE = frozenset(get_args(ApprovableKind))


def _approved(finding: Finding, approved: Sequence[ApprovedChange]) -> Finding:
    for each in approved:
        if each.covers(finding):
            return finding.model_copy(update={"approved": each.by, "sentence": f"{finding.sentence}; approved by {each.by}"})
    return finding


def _names(column: str) -> frozenset[str]:
    return frozenset(column.split(" and "))
