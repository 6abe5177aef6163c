"""An inspection as a person reads it on a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby

from fusionguard.datasets.inspection.findings import grouped
from fusionguard.datasets.inspection.inspected import Inspection
from fusionguard.datasets.inspection.profile import Column
from fusionguard.datasets.inspection.roles import Role

WIDTH = 80
_MOST_ALIKE = 10
_NAME, _KIND, _ROLE = 22, 12, 11


def inspection_text(inspection: Inspection) -> str:
    """Return the columns, and what was found; no value of a private column is in it."""
    return "\n".join([*_table(inspection), "", *_columns(inspection), "", *_findings(inspection)])


def _table(inspection: Inspection) -> Iterator[str]:
    profile, label, line = inspection.profile, inspection.label, inspection.timeline
    files = inspection.files[0] if len(inspection.files) == 1 else f"{inspection.files[0]} and {len(inspection.files) - 1} more"
    yield from _wrapped(
        f"{files}: {profile.layout}, {profile.rows:,} rows, {len(profile.columns):,} columns"
        + (f", {inspection.problem.name}" if inspection.problem_said else "")
    )
    if not inspection.problem_said:
        yield from _wrapped(f"Problem  {inspection.problem.name}? Nothing says so: give --problem.")
    if label is None:
        yield from _wrapped("Label    none: no column with two values has a label's name. Name one with --label COLUMN.")
        if inspection.candidates:
            listed = ", ".join(f"'{column.name}' ({column.distinct} values)" for column in inspection.candidates)
            yield from _wrapped(f"         It may be {listed}.")
    else:
        rows = label.positives + label.negatives
        what = f"Label    {label.column.name}: {label.positives:,} of {rows:,} positive ({label.share:.2%}); {label.reason}"
        yield from _wrapped(what)
    if line is not None:
        yield from _wrapped(f"Time     {line.column}: {line.shown(line.first)} to {line.shown(line.last)}")


def _columns(inspection: Inspection) -> Iterator[str]:
    yield f"{'column':{_NAME}} {'holds':{_KIND}} {'role':{_ROLE}} missing  values  why"
    for (kind, role), run in groupby(inspection.profile.columns, lambda column: _alike(inspection, column)):
        columns = list(run)
        if len(columns) < _MOST_ALIKE:
            for column in columns:
                yield from _column(inspection, column)
            continue
        names = f"{columns[0].name} to {columns[-1].name}: {len(columns)} columns, {kind}, {role.name}, {role.reason}"
        yield from textwrap.wrap(_printable(names), WIDTH, subsequent_indent="    ")


def _alike(inspection: Inspection, column: Column) -> tuple[str, Role]:
    """Return what columns side by side must share to be one line; a missing cell makes a column one of its own."""
    return f"{column.kind}{f' of {column.name}' if column.missing else ''}", inspection.roles[column.name]


def _column(inspection: Inspection, column: Column) -> Iterator[str]:
    role = inspection.roles[column.name]
    missing = f"{column.missing / column.rows:.1%}" if column.missing else "-"
    name = role.name + ("?" if role.sure == "guess" else "")
    start = (
        f"{_shown(column.name, _NAME):{_NAME}} {column.kind:{_KIND}} {name:{_ROLE}} {missing:>7} {_short(column.distinct):>7}  "
    )
    lines = textwrap.wrap(role.reason, WIDTH - len(start)) if len(role.reason) <= WIDTH - len(start) else []
    if lines:
        yield start + lines[0]
        return
    yield start.rstrip()
    yield from textwrap.wrap(role.reason, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _findings(inspection: Inspection) -> Iterator[str]:
    if inspection.label is None:
        yield "No label, so nothing was searched for leaks."
    elif not inspection.findings:
        yield "Nothing was found that spoils a model."
    for finding in grouped(inspection.findings):
        mark = "STOP  " if finding.weight == "stop" else "look  "
        yield from textwrap.wrap(
            f"{mark}{_printable(finding.what)} {finding.remedy}", WIDTH, subsequent_indent="      ", break_on_hyphens=False
        )


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(_printable(text), WIDTH, subsequent_indent=" " * 9, break_on_hyphens=False)


def _short(count: int) -> str:
    return f"{count:,}" if count < 1_000_000 else f"{count / 1e6:.1f}M"


def _shown(name: str, width: int) -> str:
    shown = _printable(name)
    return shown if len(shown) <= width else f"{shown[: width - 3]}..."


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
