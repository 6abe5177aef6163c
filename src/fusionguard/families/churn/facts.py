"""Facts that divide customers: those that somebody has written for the data set, or parts of what the model looks at most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import duckdb

from fusionguard.data.table import Table
from fusionguard.datasets.table_rows import string
from fusionguard.families.churn.groups import NOT_KNOWN, THE_OTHERS, column_of
from fusionguard.families.churn.wording import number_text, word_of
from fusionguard.features.definition import FeatureDefinition, Segmentation
from fusionguard.features.duckdb_engine import connection, scan
from fusionguard.features.told import Fact

LOOKED_AT = 40
"""Model features that are looked at, at most: those that move the score most."""

_MOST_PARTS = 6
_RULE_SIZES = (1, 2, 4)


def facts_of(features: Table, definition: FeatureDefinition, importance: Sequence[tuple[str, float]]) -> tuple[Fact, ...]:
    """Return the facts of a data set, of those that nobody has written the one that moves the score most first.

    Groups that fairness is read by are among them, behind those that the model looks at.

    Parameters
    ----------
    features
        The whole feature table: where nothing is written, numbers are cut at its quartiles.
    importance
        Model features with their mean absolute contribution, largest first.
    """
    if definition.told is not None and definition.told.facts:
        return definition.told.facts
    with connection(scratch=features.path.parent) as database:
        database.execute(f"CREATE TEMP VIEW customers AS SELECT * FROM {scan(features)}")
        return tuple(_facts(database, definition, [name for name, _ in importance[:LOOKED_AT]]))


def rules_of(definition: FeatureDefinition, facts: Sequence[Fact]) -> dict[str, tuple[str, ...]]:
    """Return rules of thumb, the simplest first: by name the expressions whose values make a cell."""
    if definition.told is not None and definition.told.rules:
        return dict(definition.told.rules)
    sizes = [size for size in _RULE_SIZES if size <= len(facts)]
    return {_listed([each.name for each in facts[:size]]): tuple(each.expression for each in facts[:size]) for size in sizes}


def _facts(database: duckdb.DuckDBPyConnection, definition: FeatureDefinition, names: Sequence[str]) -> Iterator[Fact]:
    cuts = {column_of(cut): cut for cut in (*definition.segmentations, *definition.attributes)}
    for name in names:
        if name in cuts:
            yield _fact_of_cut(database, cuts[name])
        elif definition.column_types[name] == "string":
            yield _fact_of_text(word_of(definition, name), name, definition.known.get(name, ()))
        elif (fact := _fact_of_number(database, definition, name)) is not None:
            yield fact
    for cut in definition.attributes:
        if column_of(cut) not in names:
            yield _fact_of_cut(database, cut)


def _fact_of_cut(database: duckdb.DuckDBPyConnection, cut: Segmentation) -> Fact:
    if cut.names and all(isinstance(value, int) for value in cut.names):
        return Fact(cut.name, f"COALESCE({cut.expression}, {len(cut.names)})", (*cut.names.values(), NOT_KNOWN))
    text = f"CAST({cut.expression} AS VARCHAR)"
    known = [str(value) for value in cut.names]
    if not known:
        query = f"SELECT {text} FROM customers WHERE {text} IS NOT NULL GROUP BY 1 ORDER BY COUNT(*) DESC, 1"
        known = [part for (part,) in database.execute(f"{query} LIMIT {_MOST_PARTS + 1}").fetchall()]
    return _fact_of_text(cut.name, text, known)


def _fact_of_text(name: str, expression: str, known: Sequence[str]) -> Fact:
    shown = known if len(known) <= _MOST_PARTS else known[: _MOST_PARTS - 1]
    listed = ", ".join(string(value) for value in shown)
    kept = f"WHEN {expression} IN ({listed}) THEN {expression} " if shown else ""
    parts = f"CASE WHEN {expression} IS NULL THEN {string(NOT_KNOWN)} {kept}ELSE {string(THE_OTHERS)} END"
    return Fact(name, parts)


def _fact_of_number(database: duckdb.DuckDBPyConnection, definition: FeatureDefinition, name: str) -> Fact | None:
    """Return the values of a number that has few, else its quarters; None where it has one value."""
    found = database.execute(f"SELECT DISTINCT {name} FROM customers WHERE {name} IS NOT NULL LIMIT {_MOST_PARTS + 1}").fetchall()
    values = sorted(float(value) for (value,) in found)
    word = word_of(definition, name)
    if len(values) <= _MOST_PARTS:
        if len(values) < 2:
            return None
        whens = " ".join(f"WHEN {name} = {value!r} THEN {place}" for place, value in enumerate(values))
        return Fact(word, f"CASE {whens} ELSE {len(values)} END", (*map(number_text, values), NOT_KNOWN))
    query = f"SELECT quantile_disc({name}, [0.25, 0.5, 0.75]), MIN({name}) FROM customers"
    quarters, least = database.execute(query).fetchall()[0]
    edges = sorted({float(edge) for edge in quarters if edge > least})
    if not edges:  # more than three quarters of the customers have the least
        edges = [values[values.index(float(least)) + 1]] if float(least) in values else [values[-1]]
    whens = " ".join(f"WHEN {name} < {edge!r} THEN {place}" for place, edge in enumerate(edges))
    parts = f"CASE WHEN {name} IS NULL THEN {len(edges) + 1} {whens} ELSE {len(edges)} END"
    told = [number_text(edge) for edge in edges]
    inner = [f"{low} to under {high}" for low, high in pairwise(told)]
    return Fact(word, parts, (f"under {told[0]}", *inner, f"{told[-1]} and more", NOT_KNOWN))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
