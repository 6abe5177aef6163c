"""Columns that know the label too well: what they say would not be known when a row is scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from fusionguard.datasets.inspection.findings import Finding
from fusionguard.datasets.inspection.label import Label
from fusionguard.datasets.inspection.profile import Profile
from fusionguard.datasets.inspection.relation import Relation
from fusionguard.datasets.inspection.roles import Role

TOO_GOOD = 0.98
"""The AUC of a single column from which it is suspected; the best of the published card data's columns have 0.95."""
_FEW_VALUES = 5
_FEWEST_FILLED = 20
_RARELY, _OFTEN = 0.01, 0.2
_AFTER = "It comes after the event: a row that is scored does not have it yet."


def leaks(profile: Profile, label: Label, relations: Mapping[str, Relation]) -> Iterator[Finding]:
    """Find columns that are filled, or left empty, only after the event, and those that are too good alone."""
    for column in profile.columns:
        relation = relations.get(column.name)
        if relation is None:
            continue
        name = column.name
        share = (
            relation.filled_positive / max(label.positives, 1),
            relation.filled_negative / max(label.negatives, 1),
        )
        if (how := _told_by_empty_cells(label, relation, share)) is not None:
            what = f"'{name}' is {how} ({share[0]:.1%} of the positive rows are filled, {share[1]:.1%} of the others)."
            yield Finding("filled_after", "stop", (name,), what, _AFTER)
        elif relation.auc is not None and relation.auc >= TOO_GOOD:
            if column.distinct <= _FEW_VALUES:
                what = f"'{name}' is nearly a copy of the label '{label.column.name}' (AUC {relation.auc:.3f})."
                yield Finding("label_copy", "stop", (name,), what, "Leave it out: it is the answer, written twice.")
            else:
                what = f"'{name}' alone tells the label on rows that were kept apart (AUC {relation.auc:.3f})."
                yield Finding("leak_alone", "stop", (name,), what, "Ask when it is written. If after the event, leave it out.")


def with_roles(found: Finding, roles: Mapping[str, Role]) -> Finding:
    """Return a finding of :func:`leaks` that says what the draft makes of its column, where that is the time of the label."""
    if found.kind != "filled_after" or roles[found.columns[0]].name != "known":
        return found
    return replace(found, remedy=f"{found.remedy} The draft takes it for the time when a label is known.")


def _told_by_empty_cells(label: Label, relation: Relation, share: tuple[float, float]) -> str | None:
    """Return how the cells of a column that are filled tell the label; None where they do not."""
    positive, negative = share
    if relation.filled_positive >= _FEWEST_FILLED and negative <= _RARELY and positive >= _OFTEN:
        return "filled hardly ever but where the label is positive"
    empty = label.positives - relation.filled_positive
    if empty >= _FEWEST_FILLED and 1 - negative <= _RARELY and 1 - positive >= _OFTEN:
        return "empty hardly ever but where the label is positive"
    return "filled or empty as the label is" if abs(positive - negative) >= 0.9 else None
