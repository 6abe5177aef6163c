"""Looks at a table of which nothing is known, and comes to a guess of what its columns mean and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionguard.datasets.inspection import findings as find
from fusionguard.datasets.inspection.copies import find_copies
from fusionguard.datasets.inspection.counted_values import profile_table
from fusionguard.datasets.inspection.findings import Finding
from fusionguard.datasets.inspection.label import Label, find_label, guess_problem, label_candidates
from fusionguard.datasets.inspection.leaks import leaks, with_roles
from fusionguard.datasets.inspection.odd_times import odd_times, stands_for_none
from fusionguard.datasets.inspection.opened_table import OpenedTable, declared_rows, open_table
from fusionguard.datasets.inspection.over_time import Timeline, read_timeline, rising_columns, time_findings
from fusionguard.datasets.inspection.problem import Problem
from fusionguard.datasets.inspection.profile import Column, Profile, repeated_rows
from fusionguard.datasets.inspection.rates import find_rate
from fusionguard.datasets.inspection.relation import Relation, relate
from fusionguard.datasets.inspection.repetitions import duplicates, repeated_customers, spellings
from fusionguard.datasets.inspection.roles import Role, guess_roles
from fusionguard.datasets.inspection.sentinels import find_sentinels


@dataclass(frozen=True)
class Inspection:
    """A table, what its columns are guessed to mean, and what was found.

    Parameters
    ----------
    files
        The names of the files, without folders.
    label
        None where no column is a plausible one.
    timeline
        None where there is no time.
    findings
        Those that stop come first.
    sentinels
        Of columns of numbers that have one, the number that stands for a missing value, and how many rows have it.
    problem_said
        Whether anything speaks for the problem.
    candidates
        Where there is no label, columns that may be it.
    rows
        What a declaration beside the file or the folder names its rows by; None of several files.
    """

    files: tuple[str, ...]
    profile: Profile
    problem: Problem
    label: Label | None
    roles: dict[str, Role]
    relations: dict[str, Relation]
    timeline: Timeline | None
    findings: tuple[Finding, ...]
    sentinels: dict[str, tuple[float, int]]
    problem_said: bool = True
    candidates: tuple[Column, ...] = ()
    rows: str | None = None

    def hidden(self, column: Column) -> bool:
        """Return whether no value of a column may be shown."""
        role = self.roles[column.name]
        return role.private or column.personal is not None or role.names_rows or role.name in ("id", "entity", "private")


def inspect_table(
    files: Sequence[Path], problems: Sequence[Problem], *, label: str | None = None, problem: str | None = None
) -> Inspection:
    """Look at files, or a folder of part files, as one table.

    Parameters
    ----------
    problems
        The kinds of problems that it may be about.
    label, problem
        What a person knows better than a guess: the label's column, and the name of the problem.

    Raises
    ------
    DataError, UsageError
        The files are no table, or what was named does not exist; no value of the table is shown.
    """
    with open_table(files) as table:
        return _inspected(table, files, problems, label, problem)


def _inspected(
    table: OpenedTable, files: Sequence[Path], problems: Sequence[Problem], named_label: str | None, named_problem: str | None
) -> Inspection:
    profile = profile_table(table, files[0].name)
    problem, said = guess_problem(profile, problems, named_problem)
    label = find_label(profile, problem, named_label)
    relations = relate(table, profile, label) if label is not None else {}
    copies = find_copies(table, profile)
    leaking = list(leaks(profile, label, relations)) if label is not None else []
    suspected = frozenset(name for finding in leaking for name in finding.columns)
    roles = guess_roles(profile, label, relations, copies, problem, rising_columns(table, profile), suspected)
    roles |= find_rate(table, profile, roles)
    leaking = [with_roles(finding, roles) for finding in leaking]
    timeline = _timeline(table, profile, roles, label)
    id_column = next((name for name, role in roles.items() if role.name == "id"), None)
    but_id = None
    if id_column is not None and len(profile.columns) > 2:
        kept = [column.place for column in profile.columns if column.name != id_column]
        but_id = repeated_rows(table, kept)
    sentinels = find_sentinels(table, profile)
    hidden = {name for name, role in roles.items() if role.private or role.protected or role.name in ("id", "entity", "private")}
    candidates = tuple(
        column for column in (label_candidates(profile, problems) if label is None else ()) if column.name not in hidden
    )
    roles |= {
        name: Role("ignored", "nearly a copy of the label: it is the answer, written twice", "sure")
        for finding in leaking
        for name in finding.columns
        if finding.kind == "label_copy" and roles[name].name in ("numeric", "categorical")
    }
    moving = timeline is not None and not stands_for_none(profile.by_name[timeline.column])
    found = [
        *find.layout(profile),
        *find.odd_names(profile),
        *(find.few_positives(label) if label is not None else ()),
        *leaking,
        *(find.undecided(label) if label is not None else ()),
        *(
            time_findings(timeline, label, sure=_is_sure(roles[timeline.column], profile.by_name[timeline.column]))
            if timeline is not None and moving
            else ()
        ),
        *odd_times(profile, roles, timeline),
        *duplicates(profile, but_id, id_column),
        *repeated_customers(profile, roles, problem),
        *spellings(table, profile, roles),
        *find.written_otherwise(profile, roles),
        *find.mixed_types(profile, roles),
        *find.stand_ins(profile, sentinels, roles),
        *find.mixed_currencies(profile, roles),
        *find.ids_as_numbers(profile, roles),
        *find.column_copies(copies, roles),
        *find.constant(profile, roles),
        *find.personal(profile),
        *find.protected(profile, roles),
    ]
    ordered = tuple(sorted(found, key=lambda each: each.weight != "stop"))
    names = tuple(file.name for file in files)
    rows = declared_rows(files)
    return Inspection(names, profile, problem, label, roles, relations, timeline, ordered, sentinels, said, candidates, rows)


def _is_sure(role: Role, time: Column) -> bool:
    return role.sure != "guess" and not time.form.ambiguous


def _timeline(table: OpenedTable, profile: Profile, roles: dict[str, Role], label: Label | None) -> Timeline | None:
    for column in profile.columns:
        if roles[column.name].name == "time":
            return read_timeline(table, column, roles[column.name], label)
    return None


def to_json(inspection: Inspection) -> dict[str, Any]:
    """Return an inspection as what JSON can hold; of columns that are private no value is in it."""
    profile, label, line = inspection.profile, inspection.label, inspection.timeline
    return {
        "files": list(inspection.files),
        "layout": profile.layout,
        "rows": profile.rows,
        "duplicates": profile.duplicates,
        "problem": inspection.problem.name if inspection.problem_said else None,
        "label_candidates": [column.name for column in inspection.candidates],
        "label": None
        if label is None
        else {
            "column": label.column.name,
            "positive": list(label.positive),
            "undecided": list(label.undecided),
            "positives": label.positives,
            "negatives": label.negatives,
        },
        "time": None
        if line is None
        else {
            "column": line.column,
            "first": line.shown(line.first),
            "last": line.shown(line.last),
            "periods": [{"start": line.shown(s.start), "rows": s.rows, "positives": s.positives} for s in line.spans],
            "gaps": [[line.shown(start), line.shown(end)] for start, end in line.gaps],
        },
        "columns": [_column_json(inspection, column) for column in profile.columns],
        "findings": [
            {"kind": f.kind, "weight": f.weight, "columns": list(f.columns), "what": f.what, "remedy": f.remedy}
            for f in inspection.findings
        ],
    }


def _column_json(inspection: Inspection, column: Column) -> dict[str, Any]:
    role, relation = inspection.roles[column.name], inspection.relations.get(column.name)
    told: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "written": column.form.words or None,
        "role": role.name,
        "reason": role.reason,
        "sure": role.sure,
        "private": role.private,
        "missing": column.missing,
        "missing_words": {} if inspection.hidden(column) else {value.text: value.rows for value in column.said},
        "misfits": column.misfits,
        "distinct": column.distinct,
        "distinct_is_exact": column.distinct_is_exact,
        "auc_alone": None if relation is None or relation.auc is None else round(relation.auc, 4),
    }
    if inspection.hidden(column):
        return told
    if column.form.kind == "number":
        told |= {"smallest": column.smallest, "largest": column.largest, "mean": column.mean, "deviation": column.deviation}
    if column.form.kind == "time":
        told |= {"first": str(column.first), "last": str(column.last)}
    return told
