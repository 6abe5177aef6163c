"""What is there twice and should not be: rows, customers, and categories that are only spelt in several ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fusionguard.datasets.inspection.findings import Finding
from fusionguard.datasets.inspection.opened_table import OpenedTable
from fusionguard.datasets.inspection.problem import Problem
from fusionguard.datasets.inspection.profile import Column, Profile
from fusionguard.datasets.inspection.roles import Role

_TOGETHER = 25
_BEYOND_CHANCE = 10.0
_HARDLY_REPEATS = 0.9
_UNEVEN = 3.0
"""Many values agree so much more often than equally frequent ones would: amounts are uneven about as log-normal ones are."""


def duplicates(profile: Profile, but_id: int | None, id_column: str | None) -> Iterator[Finding]:
    """Find rows that are there twice, wholly or but for the id; the latter with what chance alone would give."""
    if profile.duplicates:
        what = f"{_rows(profile.duplicates)} the same as an earlier one in every column."
        yield Finding("duplicate_rows", "stop", (), what, "Keep one of each, or the same row is learned from and judged by.")
    if but_id and id_column and but_id > profile.duplicates:
        extra = but_id - profile.duplicates
        chance = _by_chance(profile, id_column, but_id)
        what = f"{_rows(extra)} the same as an earlier one but for '{id_column}'"
        if extra > _BEYOND_CHANCE * chance:
            remedy = "Find out whether they happened twice or were written twice."
            yield Finding("duplicate_but_id", "stop", (id_column,), f"{what}.", remedy)
        else:
            what += f"; chance alone gives about {chance:.2g} such pairs."
            yield Finding("duplicate_but_id", "look", (id_column,), what, "They need not have been written twice.")


def _by_chance(profile: Profile, id_column: str, repeated: int) -> float:
    """Return how many pairs of rows agree in all columns but the id if columns had nothing to do with each other."""
    pairs = profile.rows * (profile.rows - 1) / 2
    for column in profile.columns:
        if column.name != id_column:
            pairs *= _agreement(column, repeated)
    return pairs


def _agreement(column: Column, repeated: int) -> float:
    """Return the share of pairs of rows that agree in a column, the repeated rows left out where they would be most of these."""
    if column.values:
        return sum((value.rows / column.rows) ** 2 for value in column.values) + (column.missing / column.rows) ** 2
    missing = (column.missing / column.rows) ** 2
    if column.distinct >= _HARDLY_REPEATS * column.filled:
        return missing + 2 * max(column.filled - column.distinct - repeated, 0) / column.rows**2
    share = missing + (column.filled / column.rows) ** 2 * _UNEVEN / max(column.distinct, 1)
    return min(share, 1.0)


def _rows(count: int) -> str:
    return f"{count:,} rows are" if count != 1 else "1 row is"


def repeated_customers(profile: Profile, roles: Mapping[str, Role], problem: Problem) -> Iterator[Finding]:
    """Find customers that are there several times in a table in which each row is a customer."""
    if problem.rows != "customers":
        return
    for column in profile.columns:
        role = roles[column.name]
        if role.name == "entity" and role.entity in ("customer", "account"):
            what = f"'{column.name}' has {column.distinct:,} values in {column.filled:,} rows: customers are there several times."
            remedy = "Keep one row of each, or the same customer is learned from and tested on."
            yield Finding("repeated_customers", "stop", (column.name,), what, remedy)


def spellings(table: OpenedTable, profile: Profile, roles: Mapping[str, Role]) -> Iterator[Finding]:
    """Find categories that differ in upper and lower case or in blanks alone."""
    texts = [
        column
        for column in profile.columns
        if column.form.kind == "text" and not column.typed and roles[column.name].name in ("categorical", "label", "protected")
    ]
    for start in range(0, len(texts), _TOGETHER):
        batch = texts[start : start + _TOGETHER]
        asked = ", ".join(
            f"count(DISTINCT c{column.place}) FILTER (WHERE {column.sql_text} IS NOT NULL), "
            f"count(DISTINCT lower({column.sql_text}))"
            for column in batch
        )
        counts = table.ask(f"SELECT {asked} FROM {table.relation}")[0]
        for at, column in enumerate(batch):
            written, meant = int(counts[2 * at]), int(counts[2 * at + 1])
            if written > meant:
                what = f"'{column.name}' spells {meant:,} values in {written:,} ways: with other cases or blanks."
                yield Finding("spellings", "look", (column.name,), what, "Each counts as a value of its own: write them alike.")
