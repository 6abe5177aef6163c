"""What a declaration's windows remember of an entity's earlier rows, as whole numbers, and the features made of these.

One plan says it for all who compute it: SQL over a history, and the state of a running service. A window moves by whole tiles,
so that what is kept of an entity is bounded by their number and not by its traffic: it holds all rows since the beginning of the
tile that lies a span back. A row sees those of earlier seconds; those of its own, whose order nobody knows, it does not. Outcomes
are seen once the tile is over in which they became known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.declared_values import split_aggregate
from fusionguard.datasets.durations import duration_seconds
from fusionguard.datasets.prepared_names import prepared_names

MOST_TILES = 30
"""How many tiles a span has, at most: a window is up to one of them longer than its span."""

HUNDREDTHS = 100
"""Sums are of whole hundredths, which add up to the same in every order."""

LARGEST_HUNDREDTHS = 10**12
"""What is further from 0 counts as that, so that no sum leaves the range of whole numbers."""

MOST_OTHERS = 1_000
"""So many different values of another entity are told apart in a window: those met last."""

Kind = Literal[
    "rows",
    "values",
    "hundredths",
    "largest",
    "met",
    "others",
    "last",
    "known",
    "positive",
    "last_positive",
    "last_negative",
    "run",
]
"""What is remembered: how many rows; how many numbers of a column, their sum and the largest; whether another entity's value was
there before, as 1 or 0; how many different ones were, up to :data:`MOST_OTHERS`; how many seconds ago the last row was; how many
outcomes became known, and how many of these are positive; how many seconds ago the tile began in which the latest positive one
became known, the latest negative one, and the first positive one after all tiles that hold a negative one."""

NUMERIC: tuple[Kind, ...] = ("values", "hundredths", "largest")
"""The kinds that are about a column's numbers."""

OF_OTHERS: tuple[Kind, ...] = ("met", "others")
"""The kinds that are about another entity's values."""

OF_OUTCOMES: tuple[Kind, ...] = ("known", "positive", "last_positive", "last_negative", "run")
"""The kinds that are about outcomes."""


@dataclass(frozen=True)
class Span:
    """The tiles of a window.

    Parameters
    ----------
    text
        As it is declared: ``7d``.
    tile_seconds, tiles
        How long one tile is, and how many lie before the present one.
    """

    text: str
    tile_seconds: int
    tiles: int

    @classmethod
    def of(cls, text: str) -> Span:
        """Return the tiles of a declared span: at most :data:`MOST_TILES`, of whole seconds."""
        seconds = duration_seconds(text)
        tile = -(-seconds // MOST_TILES)
        return cls(text, tile, -(-seconds // tile))

    @property
    def seconds(self) -> int:
        """All tiles together: the span, or where that is no multiple of a tile a little more."""
        return self.tile_seconds * self.tiles

    def start(self, second: int) -> int:
        """Return the first second of the window of a row of this second."""
        return (second // self.tile_seconds - self.tiles) * self.tile_seconds


@dataclass(frozen=True)
class Memory:
    """One whole number that is remembered of an entity.

    Parameters
    ----------
    name
        The prepared column that holds it.
    entity
        Whose rows it is of.
    kind
        What is remembered.
    span
        Over which it is.
    of
        The column whose numbers, or the entity whose values, it is about; empty where it is of rows or outcomes.
    """

    name: str
    entity: str
    kind: Kind
    span: Span
    of: str = ""


@dataclass(frozen=True)
class _Aggregate:
    """What an aggregate remembers, and the feature made of that.

    ``sql`` has a place for each kind that is remembered, as a double, for each of ``usual``, which is remembered over the longest
    span, as ``usual_KIND``, and for the present row's number, ``now``. What differs from the longest span alone,
    ``of_shorter_spans``, is none of that span itself.
    """

    kinds: tuple[Kind, ...]
    sql: str
    of_longest_span: bool = False
    usual: tuple[Kind, ...] = ()
    of_shorter_spans: bool = False


_MEAN = f"({{hundredths}} / {HUNDREDTHS}e0 / NULLIF({{values}}, 0e0))"
_USUAL = _MEAN.replace("{", "{usual_")
_AGGREGATES: Mapping[str, _Aggregate] = {
    "count": _Aggregate(("rows",), "{rows}"),
    "sum": _Aggregate(("hundredths",), f"({{hundredths}} / {HUNDREDTHS}e0)"),
    "mean": _Aggregate(("values", "hundredths"), _MEAN),
    "ratio": _Aggregate(("values", "hundredths"), f"({{now}} / NULLIF({_MEAN}, 0e0))"),
    "maximum": _Aggregate(("largest",), f"({{largest}} / {HUNDREDTHS}e0)"),
    "change": _Aggregate(
        ("values", "hundredths"),
        f"({_MEAN} / NULLIF({_USUAL}, 0e0))",
        usual=("values", "hundredths"),
        of_shorter_spans=True,
    ),
    "peak": _Aggregate(
        ("largest",),
        f"({{largest}} / {HUNDREDTHS}e0 / NULLIF({_USUAL}, 0e0))",
        usual=("values", "hundredths"),
    ),
    "new": _Aggregate(("met",), "(1e0 - {met})"),
    "distinct": _Aggregate(("others",), "{others}"),
    "since_last": _Aggregate(("last",), "{last}", of_longest_span=True),
    "label_count": _Aggregate(("known",), "{known}"),
    "label_rate": _Aggregate(("known", "positive"), "({positive} / NULLIF({known}, 0e0))"),
    "label_since_positive": _Aggregate(("last_positive",), "{last_positive}"),
    "label_since_negative": _Aggregate(("last_negative",), "{last_negative}"),
    "label_run": _Aggregate(("run",), "{run}"),
}


@dataclass(frozen=True)
class WindowFeature:
    """A number that models read of an entity's earlier rows.

    Parameters
    ----------
    name
        ``card_count_7d``, ``card_new_merchant_30d``, ``card_since_last``.
    sql
        How it is made of prepared columns.
    entity
        Whose rows it is about.
    aggregate
        What it is of them, as it is declared: ``count``, ``new``.
    of
        The column whose numbers, or the entity whose values, it is about; empty where it is of rows or outcomes.
    span
        Over which it is.
    memories
        What it is made of.
    """

    name: str
    sql: str
    entity: str
    aggregate: str
    of: str
    span: Span
    memories: tuple[Memory, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Its own name, and those of the prepared columns that it is made of."""
        return (self.name, *(each.name for each in self.memories))


def window_features(declaration: Declaration) -> tuple[WindowFeature, ...]:
    """Return the features of a declaration's windows, in the order in which they are declared."""
    return tuple(_features(declaration)) if declaration.windows else ()


def memories(declaration: Declaration) -> tuple[Memory, ...]:
    """Return all that a declaration's windows remember, each once."""
    return tuple(dict.fromkeys(each for feature in window_features(declaration) for each in feature.memories))


def numbers_of(plan: Iterable[Memory]) -> tuple[str, ...]:
    """Return the columns whose numbers are remembered."""
    return tuple(dict.fromkeys(each.of for each in plan if each.kind in NUMERIC))


def entities_of(plan: Sequence[Memory]) -> tuple[str, ...]:
    """Return the entities that a row must tell: those that are remembered, and those whose values are."""
    return tuple(dict.fromkeys([*(each.entity for each in plan), *(each.of for each in plan if each.kind in OF_OTHERS)]))


def _features(declaration: Declaration) -> Iterator[WindowFeature]:
    names = prepared_names(declaration)
    amount = None if declaration.amount is None else declaration.amount.column
    sparse = {name for name, (_, each) in declaration.measured.items() if each.missing == "allow"}
    known = declaration.label.known
    dated = known is not None and known.column is not None
    for entity, windows in declaration.windows.items():
        spans = [Span.of(text) for text in windows.spans]
        for text in windows.of:
            name, of = split_aggregate(text)
            aggregate = _AGGREGATES[name]
            about = of if of is not None else amount or ""
            counted: dict[Kind, Kind] = {} if about in sparse else {"values": "rows"}
            counted |= {"known": "rows"} if dated and name == "label_rate" else {}  # negative outcomes often have no date
            longest = max(spans, key=lambda each: each.seconds)
            for span in (longest,) if aggregate.of_longest_span else spans:
                if aggregate.of_shorter_spans and span.seconds == longest.seconds:
                    continue
                asked: list[tuple[str, Kind, Span]] = [(kind, kind, span) for kind in aggregate.kinds]
                asked += [(f"usual_{kind}", kind, longest) for kind in aggregate.usual]
                part = {name: _memory(entity, counted.get(kind, kind), about, over, names) for name, kind, over in asked}
                filled = {name: f"CAST({each.name} AS DOUBLE)" for name, each in part.items()}
                shown = "" if aggregate.of_longest_span else span.text
                yield WindowFeature(
                    name="_".join(filter(None, (entity, name, "" if of is None else names.get(of, of), shown))),
                    sql=aggregate.sql.format(now=names.get(about, ""), **filled),
                    entity=entity,
                    aggregate=name,
                    of=next((each.of for each in part.values() if each.of), ""),
                    span=span,
                    memories=tuple(dict.fromkeys(part.values())),
                )


def _memory(entity: str, kind: Kind, about: str, span: Span, names: Mapping[str, str]) -> Memory:
    of = about if kind in (*NUMERIC, *OF_OTHERS) else ""
    return Memory("_".join(filter(None, ("past", entity, kind, names.get(of, of), span.text))), entity, kind, span, of)
