"""The features of a declared data set, made of its prepared columns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from fusionguard.data.contract_suites import UniqueRule
from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.declared_values import LARGEST_NUMBER
from fusionguard.datasets.expressions import columns_of
from fusionguard.datasets.formula_sql import formula_sql
from fusionguard.datasets.history import memories, window_features
from fusionguard.datasets.history_words import ROWS, HistoryWords, RowWords
from fusionguard.datasets.labels import label_of, own_features_of
from fusionguard.datasets.moments import LARGEST_TIME
from fusionguard.datasets.own_sql import own_features, readable_columns
from fusionguard.datasets.prepared_names import CLOCK, EVENT, GROUP, KNOWN, OTHER, ROW, TIME, TOLD, prepared_names
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.expressions.expression import Expression
from fusionguard.expressions.tree import RawColumn
from fusionguard.features.calendar import CALENDAR_SQL
from fusionguard.features.definition import FeatureContract, FeatureDefinition, Segmentation

SCHEMA_VERSION = 1
_FEW_VALUES = 12
"""A category of so many values is a way to cut the rows."""
_PARTS_OF_DAY: dict[int | str, str] = {0: "00 to 05", 1: "06 to 11", 2: "12 to 17", 3: "18 to 23"}


def declared_features(described: ResolvedDataset, row_words: RowWords = ROWS) -> FeatureDefinition:
    """Return the features of a declared data set: numbers, the amount, the calendar, derived ones, own SQL, then categories.

    ``row_words`` is what its kind of problem calls rows; it changes words alone.
    """
    declaration, own = described.declaration, own_features(described.declaration, described.sql)
    names, view = prepared_names(declaration), f"d_{declaration.name.replace('-', '_')}_rows"
    label = names[declaration.label.column]
    features = dict(_features(declaration, names, own))
    raw = dict(_raw(declaration, names))
    kept = dict(_kept(declaration, names))
    expressions = {ROW: f"CAST({ROW} AS BIGINT)", **kept, **features, label: f"CAST({label} AS INT)"}
    columns = ",\n".join(f"    {sql} AS {name}" for name, sql in expressions.items())
    order = [name for name in (TIME, ROW) if name in expressions]
    limits = {names[name]: each.range or (-LARGEST_NUMBER, LARGEST_NUMBER) for name, (_, each) in declaration.measured.items()}
    if described.reads_clock:
        limits = {CLOCK: (-LARGEST_TIME, LARGEST_TIME), **limits}
    cuts, protected = _segmentations(described, names)
    known = {names[name]: _known(described, name) for name in declaration.categorical}
    definition = FeatureDefinition(
        dataset=declaration.name,
        view=view,
        schema_version=SCHEMA_VERSION,
        label=label,
        column_types={},
        model_features=tuple(features),
        raw=raw,
        rows_text=f"SELECT\n{columns}\nFROM raw\n",
        training_set_text=(f"SELECT {', '.join(expressions)}\nFROM {view}\nORDER BY {', '.join(order)}\n"),
        positives="positive rows",
        negatives="negative rows",
        rows="rows",
        segmentations=cuts,
        log_segmentations=tuple(cut for cut in cuts if cut.column in features or cut.column == ""),
        limits=limits,
        known=known,
        open_texts=frozenset(names[name] for name, each in declaration.categorical.items() if each.unseen != "refuse"),
        past=tuple(each.name for each in memories(declaration)),
        gathered=frozenset(names[name] for name, each in declaration.categorical.items() if each.unseen == "other"),
        made_of=dict(_made_of(declaration, names, own)),
        row_column=ROW,
        span_column=EVENT if declaration.time is not None else None,
        hour_column="hour_of_day" if "hour_of_day" in declaration.calendar else None,
        contract=FeatureContract(
            unique=UniqueRule("each row once", (ROW,)),
            order=TIME if declaration.time is not None else ROW,
            label_share=declaration.label.share or (0.0, 1.0),
        ),
        time_column=TIME if declaration.time is not None else None,
        known_column=KNOWN if KNOWN in kept else None,
        told_column=TOLD if TOLD in kept else None,
        group_column=GROUP if GROUP in kept else None,
        amount=None if declaration.amount is None else names[declaration.amount.column],
        attributes=protected,
        words=_words(declaration, names) | _words_of_the_past(described, row_words),
    )
    definition.column_types.update({name: node.type.arrow for name, node in definition.parsed_rows.outputs.items()})
    return definition


def _features(declaration: Declaration, names: dict[str, str], own: dict[str, Expression]) -> Iterator[tuple[str, str]]:
    """Yield each model feature with its SQL, in the order of :attr:`Declaration.features`."""
    yield from ((names[name], f"{names[name]} + 0e0") for name in declaration.measured)
    yield from ((name, CALENDAR_SQL[name]) for name in declaration.calendar)
    yield from ((name, f"{formula_sql(each.tree, names)} + 0e0") for name, each in declaration.derived.items())
    yield from ((name, each.number_sql()) for name, each in own.items())
    yield from ((each.name, each.sql) for each in window_features(declaration))
    yield from ((names[name], names[name]) for name in declaration.categorical)


def _raw(declaration: Declaration, names: dict[str, str]) -> Iterator[tuple[str, RawColumn]]:
    if declaration.time is not None:
        yield EVENT, RawColumn("float")
    if declaration.label.known is not None and declaration.time is not None:
        yield KNOWN, RawColumn("float", True)
        if declaration.label.known.column is not None:
            yield TOLD, RawColumn("float", True)
    if declaration.entities:
        yield GROUP, RawColumn("integer")
    yield from readable_columns(declaration).items()
    cut = declaration.banded
    yield from ((names[name], RawColumn("float" if name in cut else "text", True)) for name in _only_protected(declaration))
    yield from ((each.name, RawColumn("integer", True)) for each in memories(declaration))
    yield names[declaration.label.column], RawColumn("integer")
    yield ROW, RawColumn("integer")


def _kept(declaration: Declaration, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what a table for training has besides, and no model reads."""
    if declaration.time is not None:
        yield TIME, f"CAST(FLOOR({EVENT}) AS BIGINT)"
    if declaration.label.known is not None and declaration.time is not None:
        yield KNOWN, f"CAST(FLOOR({KNOWN}) AS BIGINT)"
        if declaration.label.known.column is not None:
            yield TOLD, f"CAST(FLOOR({TOLD}) AS BIGINT)"
    if declaration.entities:
        yield GROUP, f"CAST({GROUP} AS BIGINT)"
    yield from ((names[name], names[name]) for name in _only_protected(declaration))


def _only_protected(declaration: Declaration) -> list[str]:
    learned = {*declaration.measured, *declaration.categorical}
    return [name for name in declaration.protected if name not in declaration.bands and name not in learned]


def _known(described: ResolvedDataset, name: str) -> tuple[str, ...]:
    """Return the values that a prepared category may have, each once; a table's own ``OTHER`` means what it says."""
    found = described.categories[name].values if name in described.categories else ()
    if described.declaration.categorical[name].unseen != "other":
        return found
    return (*(value for value in found if value != OTHER), OTHER)


def _segmentations(
    described: ResolvedDataset, names: dict[str, str]
) -> tuple[tuple[Segmentation, ...], tuple[Segmentation, ...]]:
    """Return the ways to cut the rows, and those of them that are by a protected column.

    They are bands, protected columns, categories of few values and the part of the day; where there is none, all rows are one.
    """
    declaration = described.declaration
    cuts: list[tuple[set[str], Segmentation]] = []  # each with the names by which it may be protected
    for name, band in declaration.bands.items():
        column = names[band.column]
        places = " + ".join(f"CAST({column} >= {float(edge)!r} AS INT)" for edge in band.edges)
        listed = band.names or _edges(band.edges)
        cut = Segmentation(label_of(declaration, name), places, dict(enumerate(listed)), column)
        cuts.append(({name, band.column}, cut))
    few = [name for name in declaration.categorical if len(_known(described, name)) <= _FEW_VALUES]
    whole = {*declaration.bands, *declaration.banded}  # single numbers are no groups where bands of them are
    for name in dict.fromkeys((*(each for each in declaration.protected if each not in whole), *few)):
        values = _known(described, name) if name in declaration.categorical else ()
        cut = Segmentation(label_of(declaration, name), names[name], {value: value for value in values}, names[name])
        cuts.append(({name}, cut))
    if "hour_of_day" in declaration.calendar:
        cut = Segmentation("time of day", "CAST(FLOOR(hour_of_day / 6) AS INT)", _PARTS_OF_DAY, "hour_of_day")
        cuts.append((set(), cut))
    protected = tuple(cut for called, cut in cuts if called & {*declaration.protected})
    return tuple(cut for _, cut in cuts) or (Segmentation("all", "0", {0: "all rows"}),), protected


def _edges(edges: tuple[float, ...]) -> tuple[str, ...]:
    inner = [f"{low:g} to under {high:g}" for low, high in pairwise(edges)]
    return (f"under {edges[0]:g}", *inner, f"{edges[-1]:g} and more")


def _made_of(
    declaration: Declaration, names: dict[str, str], own: dict[str, Expression]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from ((name, (CLOCK,)) for name in declaration.calendar)
    yield from ((name, tuple(names[each] for each in columns_of(made.tree))) for name, made in declaration.derived.items())
    yield from ((name, each.columns) for name, each in own.items())
    for feature in window_features(declaration):
        told = {names[each.of] for each in feature.memories if each.of in names}
        yield feature.name, tuple(sorted(told))


def _words(declaration: Declaration, names: dict[str, str]) -> dict[str, str]:
    """Return what people call each feature."""
    words = {names[name]: label_of(declaration, name) for name in (*declaration.measured, *declaration.categorical)}
    words |= {name: name.replace("_", " ") for name in declaration.calendar}
    return words | {name: label_of(declaration, name) for name in (*declaration.derived, *own_features_of(declaration))}


def _words_of_the_past(described: ResolvedDataset, row_words: RowWords) -> dict[str, str]:
    words = HistoryWords(described, row_words)
    return {name: words.name(feature) for name, feature in words.features.items()}
