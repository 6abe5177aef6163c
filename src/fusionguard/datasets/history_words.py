"""What people read of an entity's earlier rows: names of features, and a row's own in a sentence with what is usual."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isnan

from fusionguard.datasets.history import MOST_OTHERS, WindowFeature, window_features
from fusionguard.datasets.labels import label_of
from fusionguard.datasets.resolved import ResolvedDataset

Row = Mapping[str, float]
"""A row's values by feature; NaN where one is missing."""

_UNITS = {"s": "s", "m": "min", "h": "h", "d": "d", "w": "weeks"}
_SECONDS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_PLURALS = (("s", "x", "z", "ch", "sh"), "es")


@dataclass(frozen=True)
class RowWords:
    """What a kind of problem calls rows.

    Parameters
    ----------
    one, many
        A row, and several.
    was, were, was_not
        What is said of one whose outcome is positive, of several, and of one whose outcome is not.
    places
        Entities at which rows happen; others have them.
    """

    one: str = "row"
    many: str = "rows"
    was: str = "was positive"
    were: str = "were positive"
    was_not: str = "was not positive"
    places: frozenset[str] = frozenset()


ROWS = RowWords()
"""What rows are called where nobody says."""


@dataclass(frozen=True)
class HistoryWords:
    """Tells the features of a declaration's windows.

    What is usual is the entity's own, where its longest span is among the features: ``usually`` is what that makes of a shorter
    one. Of the longest, ``median`` is that of the rows that the model learned from.

    Parameters
    ----------
    described
        The data set.
    rows
        What its rows are called.
    medians
        By feature, the middle of the rows that the model learned from, where that is known.
    """

    described: ResolvedDataset
    rows: RowWords = ROWS
    medians: Row | None = None

    @cached_property
    def features(self) -> dict[str, WindowFeature]:
        """The features that it tells, by name."""
        return {each.name: each for each in window_features(self.described.declaration)}

    def name(self, feature: WindowFeature) -> str:
        """Return what a feature is called where no row is spoken of."""
        of, at, span, whose = self._of(feature), self._at(feature), span_text(feature.span.text), self._whose(feature)
        many = self.rows.many
        return {
            "count": f"{many}{at} in {span}",
            "sum": f"sum of {of}{at} in {span}",
            "mean": f"mean {of}{at} in {span}",
            "ratio": f"{of} against {whose} usual of {span}",
            "maximum": f"largest {of}{at} in {span}",
            "change": f"mean {of}{at} in {span} against the usual of {self._reach(feature)}",
            "peak": f"largest {of}{at} in {span} against the usual of {self._reach(feature)}",
            "new": f"{self._first(feature)} in {span}",
            "distinct": f"different {plural(of)}{at} in {span}",
            "since_last": f"seconds since the last {self.rows.one}{at}",
            "label_count": f"outcomes of {whose} {many} known in {span}",
            "label_rate": self._rate_name(feature),
            "label_since_positive": f"seconds since it was known that one of {whose} {many} {self.rows.was}, in {span}",
            "label_since_negative": f"seconds since it was known that one of {whose} {many} {self.rows.was_not}, in {span}",
            "label_run": f"seconds for which all of {whose} {many} {self.rows.were}, known in {span}",
        }.get(feature.aggregate, feature.name.replace("_", " "))

    def _rate_name(self, feature: WindowFeature) -> str:
        whose, rows, span = self._whose(feature), self.rows, span_text(feature.span.text)
        if self._dated:  # an outcome may have been told of a row that came before the span
            return f"{whose} {rows.many} that {rows.were}, told in {span}, for each {rows.one} in that time"
        return f"share of {whose} {rows.many} that {rows.were}, known in {span}"

    def describe(self, name: str, row: Row) -> str | None:
        """Say a feature of a row, with what is usual; None where it is of nothing that happened before."""
        feature = self.features.get(name)
        tell = None if feature is None else self._tellers.get(feature.aggregate)
        if feature is None or tell is None:
            return None
        value = row[name]
        return self._missing(feature, row) if isnan(value) else tell(feature, value, row)

    @cached_property
    def _tellers(self) -> Mapping[str, Callable[[WindowFeature, float, Row], str]]:
        return {
            "count": self._count,
            "sum": self._sum,
            "mean": self._mean,
            "ratio": self._ratio,
            "maximum": self._maximum,
            "change": self._change,
            "peak": self._change,
            "new": self._new,
            "distinct": self._distinct,
            "since_last": self._since_last,
            "label_count": self._label_count,
            "label_rate": self._label_rate,
            "label_since_positive": self._label_since,
            "label_since_negative": self._label_since,
            "label_run": self._label_run,
        }

    def _count(self, feature: WindowFeature, value: float, row: Row) -> str:
        at, span, longest = self._at(feature), span_text(feature.span.text), self._longest(feature, row)
        if value == 0 and longest is None:
            return f"no {self.rows.one} before{at} in {span}{self._median(feature)}"
        said = f"{self._counted(value)}{at} in {span}"
        if longest is None:
            return f"{said}{self._median(feature)}"
        if value and row[longest.name] == value:
            return f"{said}, none earlier in {span_text(longest.span.text)}"
        return f"{said}, usually {_usual(row[longest.name] * _share(feature, longest))}"

    def _sum(self, feature: WindowFeature, value: float, row: Row) -> str:
        longest = self._longest(feature, row)
        usual = self._median(feature) if longest is None else f", usually {_usual(row[longest.name] * _share(feature, longest))}"
        return f"{self._of(feature)}{self._at(feature)} adds up to {self._amount(feature, value)} in {self._span(feature)}{usual}"

    def _mean(self, feature: WindowFeature, value: float, row: Row) -> str:
        longest = self._longest(feature, row)
        usual = self._median(feature) if longest is None else f", usually {number_text(row[longest.name])}"
        return f"mean {self._of(feature)}{self._at(feature)} {self._amount(feature, value)} in {self._span(feature)}{usual}"

    def _ratio(self, feature: WindowFeature, value: float, row: Row) -> str:
        return f"{self._of(feature)} {_usual(value)} times {self._whose(feature)} usual of {self._span(feature)}"

    def _maximum(self, feature: WindowFeature, value: float, row: Row) -> str:
        longest = self._longest(feature, row)
        compared = self._median(feature)
        if longest is not None:
            compared = f", {number_text(row[longest.name])} in {span_text(longest.span.text)}"
        return f"largest {self._of(feature)}{self._at(feature)} {self._amount(feature, value)} in {self._span(feature)}{compared}"

    def _change(self, feature: WindowFeature, value: float, row: Row) -> str:
        what = "mean" if feature.aggregate == "change" else "largest"
        said = f"{what} {self._of(feature)}{self._at(feature)} in {self._span(feature)} is {_usual(value)} times"
        return f"{said} {self._whose(feature)} usual of {self._reach(feature)}"

    def _new(self, feature: WindowFeature, value: float, row: Row) -> str:
        return f"{'' if value else 'not the '}{self._first(feature)} in {self._span(feature)}"

    def _distinct(self, feature: WindowFeature, value: float, row: Row) -> str:
        other, longest = self._of(feature), self._longest(feature, row)
        number = {0.0: f"no {other}", 1.0: f"1 {other}"}.get(value, f"{value:,.0f} different {plural(other)}")
        number = f"at least {number}" if value >= MOST_OTHERS else number
        compared = self._median(feature)
        if longest is not None:
            compared = f", {row[longest.name]:,.0f} in {span_text(longest.span.text)}"
        return f"{number}{self._at(feature)} in {self._span(feature)}{compared}"

    def _since_last(self, feature: WindowFeature, value: float, row: Row) -> str:
        said = f"{duration_text(value)} since the last {self.rows.one}{self._at(feature)}"
        count = self._count_beside(feature)
        if count is not None and row[count.name] >= 2:
            return f"{said}, usually {duration_text(feature.span.seconds / row[count.name])}"
        median = (self.medians or {}).get(feature.name)
        return said if median is None else f"{said}, median {duration_text(median)}"

    def _label_count(self, feature: WindowFeature, value: float, row: Row) -> str:
        outcomes = {0.0: "no outcome", 1.0: "1 outcome"}.get(value, f"{value:,.0f} outcomes")
        known = f"of {self._whose(feature)} {self.rows.many} became known in {self._span(feature)}"
        return f"{outcomes} {known}{self._median(feature)}"

    def _label_rate(self, feature: WindowFeature, value: float, row: Row) -> str:
        whose, rows, known = self._whose(feature), self.rows, f"(known in {self._span(feature)})"
        beside = self._counts_of(feature)
        counted = row[beside.name] if beside is not None else float("nan")
        if self._dated:
            return self._told_rate(feature, value, counted)
        if not counted > 0:  # how many is not among the features
            share = f"{_usual(100 * value)} % of" if value else "none of"
            return f"{share} {whose} {rows.many} {rows.were if value else rows.was} {known}"
        positive = round(value * counted)  # of whole numbers in single precision
        if counted == 1:
            return f"{whose} last {rows.one} {rows.was if positive else rows.was_not} {known}"
        share = {0: "none", counted: "all"}.get(positive, f"{positive:,}")
        said = rows.was if positive <= 1 else rows.were
        return f"{share} of {whose} last {counted:,.0f} {rows.many} {said} {known}"

    def _told_rate(self, feature: WindowFeature, value: float, counted: float) -> str:
        """Say a rate of outcomes that have dates: those told in a span, of whichever rows, against the rows in it."""
        whose, rows, span = self._whose(feature), self.rows, self._span(feature)
        if not counted > 0:  # how many is not among the features
            number = _usual(100 * value) if value else "none"
            return f"for each 100 of {whose} {rows.many} in {span}, it became known of {number} that they {rows.were}"
        positive = round(value * counted)
        said = f"it became known in {span} that {positive:,} of {whose} {rows.many} {rows.was if positive == 1 else rows.were}"
        if not positive:
            said = f"of none of {whose} {rows.many} it became known in {span} that it {rows.was}"
        return f"{said}, against {self._counted(counted)} in that time"

    @cached_property
    def _dated(self) -> bool:
        known = self.described.declaration.label.known
        return known is not None and known.column is not None

    def _label_since(self, feature: WindowFeature, value: float, row: Row) -> str:
        outcome = self.rows.was if feature.aggregate == "label_since_positive" else self.rows.was_not
        return f"{duration_text(value)} since it became known that one of {self._whose(feature)} {self.rows.many} {outcome}"

    def _label_run(self, feature: WindowFeature, value: float, row: Row) -> str:
        return f"all of {self._whose(feature)} {self.rows.many} that became known for {duration_text(value)} {self.rows.were}"

    def _missing(self, feature: WindowFeature, row: Row) -> str:
        """Say why a feature is missing, as far as others beside it tell."""
        entity, span, at = self._spoken(feature.entity), self._span(feature), self._at(feature)
        longest, own = self._count_beside(feature, of_any_span=True), self._count_beside(feature)
        if feature.aggregate == "count" or (longest is not None and isnan(row[longest.name])):
            return f"{entity}: not known"
        if feature.aggregate == "new":
            return f"{self._first(feature)}: not known"
        if feature.aggregate == "label_count" or (feature.aggregate == "label_rate" and not self._dated):
            outcomes = f"no outcome of {self._whose(feature)} {self.rows.many} known in {span}"
            return outcomes if longest is not None else f"{outcomes}, or {entity} not known"
        if feature.aggregate in ("label_since_positive", "label_since_negative", "label_run"):
            outcome = self.rows.was_not if feature.aggregate == "label_since_negative" else self.rows.was
            none = "not all" if feature.aggregate == "label_run" else "none"
            said = self.rows.were if feature.aggregate == "label_run" else outcome
            return f"{none} of {self._whose(feature)} {self.rows.many} {said}, as far as known in {span}"
        if own is not None and row[own.name] == 0:
            return self._count(own, 0, row)
        if feature.aggregate in ("since_last", "label_rate"):
            before = f"no {self.rows.one} before{at} in {span}"
            return before if longest is not None else f"{before}, or {entity} not known"
        return f"{self.name(feature)}: not known"

    def _longest(self, feature: WindowFeature, row: Row) -> WindowFeature | None:
        """Return the same feature over the longest span, where it is another one and the row has it."""
        alike = [each for each in self.features.values() if _kind(each) == _kind(feature) and not isnan(row[each.name])]
        longest = max(alike, key=lambda each: each.span.seconds, default=feature)
        return longest if longest.span.seconds > feature.span.seconds else None

    def _count_beside(self, feature: WindowFeature, *, of_any_span: bool = False) -> WindowFeature | None:
        """Return how many rows of the entity there were over the same span, or the longest; None where no feature says it."""
        counts = [each for each in self.features.values() if (each.entity, each.aggregate) == (feature.entity, "count")]
        counts = [each for each in counts if of_any_span or each.span == feature.span]
        return max(counts, key=lambda each: each.span.seconds, default=None)

    def _counts_of(self, feature: WindowFeature) -> WindowFeature | None:
        """Return the feature that is the number of rows which a rate is of, where there is one."""
        return next((each for each in self.features.values() if each.memories == feature.memories[:1]), None)

    def _counted(self, value: float) -> str:
        return {0.0: f"no {self.rows.one}", 1.0: f"1 {self.rows.one}"}.get(value, f"{value:,.0f} {self.rows.many}")

    def _amount(self, feature: WindowFeature, value: float) -> str:
        """Return a column's number with its unit."""
        declaration = self.described.declaration
        amount, numbers = declaration.amount, declaration.measured
        unit = numbers[feature.of][1].unit if feature.of in numbers else None
        if unit is None and amount is not None and amount.column == feature.of:
            unit = amount.currency or self.described.currency
        return f"{number_text(value)} {unit}" if unit else number_text(value)

    def _median(self, feature: WindowFeature) -> str:
        median = (self.medians or {}).get(feature.name)
        return "" if median is None else f", median {number_text(median)}"

    def _of(self, feature: WindowFeature) -> str:
        declaration = self.described.declaration
        if not feature.of:
            return ""
        return self._spoken(feature.of) if feature.of in declaration.entities else label_of(declaration, feature.of)

    def _span(self, feature: WindowFeature) -> str:
        return span_text(feature.span.text)

    def _reach(self, feature: WindowFeature) -> str:
        """Return the longest span that a feature is of."""
        return span_text(max((each.span for each in feature.memories), key=lambda each: each.seconds).text)

    def _spoken(self, entity: str) -> str:
        """Return how an entity is called: one of several columns by those who have one each, ``card and shop``."""
        declaration = self.described.declaration
        columns = declaration.entities.get(entity)
        if not isinstance(columns, tuple):
            return entity.replace("_", " ")
        alone = {own: name.replace("_", " ") for name, own in declaration.entities.items() if isinstance(own, str)}
        return " and ".join(alone.get(column) or label_of(declaration, column) for column in columns)

    def _at(self, feature: WindowFeature) -> str:
        """Say whose rows are spoken of; of the first entity declared, whose every row is, that goes without saying."""
        if feature.entity in self.rows.places:
            return f" at this {self._spoken(feature.entity)}"
        is_first = feature.entity == next(iter(self.described.declaration.entities))
        return "" if is_first else f" of this {self._spoken(feature.entity)}"

    def _whose(self, feature: WindowFeature) -> str:
        return f"this {self._spoken(feature.entity)}'s"

    def _first(self, feature: WindowFeature) -> str:
        with_other = "at" if feature.of in self.rows.places and feature.entity not in self.rows.places else "with"
        is_first = feature.entity == next(iter(self.described.declaration.entities))
        first = "first time" if is_first else f"first time of this {self._spoken(feature.entity)}"
        return f"{first} {with_other} this {self._spoken(feature.of)}"


def number_text(value: float) -> str:
    """Return a number as people read it: ``1,204``, ``84.20``, ``0.0125``."""
    if abs(value) >= 1e15 or 0 < abs(value) < 1:
        return f"{value:.3g}"
    return f"{value:,.2f}".removesuffix(".00")


def duration_text(seconds: float) -> str:
    """Return seconds as people write them: ``40 s``, ``4.1 h``, ``12 d``."""
    size, unit = next(((size, unit) for size, unit in _SECONDS if seconds >= size), _SECONDS[-1])
    return f"{_usual(seconds / size)} {unit}"


def span_text(declared: str) -> str:
    """Return a declared span as people write it: ``30 min`` for ``30m``."""
    number, unit = declared[:-1], _UNITS[declared[-1]]
    return f"{number} {'week' if (number, unit) == ('1', 'weeks') else unit}"


def plural(word: str) -> str:
    """Return the plural of an English word: ``merchants``, ``cities``, ``addresses``."""
    endings, added = _PLURALS
    if word.endswith(endings):
        return f"{word}{added}"
    return f"{word[:-1]}ies" if word.endswith("y") and word[-2:-1] not in "aeiou" else f"{word}s"


def _usual(value: float) -> str:
    """Return a number of two digits, as one that is compared with needs no more."""
    if 0 < value < 0.01:
        return "less than 0.01"
    return f"{value:.2g}" if abs(value) < 9.95 else f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3g}"


def _kind(feature: WindowFeature) -> tuple[str, str, str]:
    return feature.entity, feature.aggregate, feature.of


def _share(feature: WindowFeature, longest: WindowFeature) -> float:
    return feature.span.seconds / longest.span.seconds
