"""What a declaration says against itself: columns with two roles, leaks of the label, windows over nobody, names used twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

from fusionguard.datasets.declaration import Declaration, Place
from fusionguard.datasets.declared_values import COLUMN_AGGREGATES, ENTITY_AGGREGATES, LABEL_AGGREGATES, split_aggregate
from fusionguard.datasets.durations import duration_seconds
from fusionguard.datasets.expressions import columns_of
from fusionguard.datasets.history import window_features
from fusionguard.datasets.labels import equal_labels
from fusionguard.datasets.prepared_names import RESERVED, TAKEN, prepared_names
from fusionguard.errors import did_you_mean

Contradiction = tuple[Place, str]

_LEARNED = ("numeric", "categorical", "amount")
_TIMELESS = ("hour_of_day", "night")
"""What can be read of a clock that has no date."""


def contradictions(declaration: Declaration, line: Callable[[Place], int | None]) -> Iterator[Contradiction]:
    """Yield what cannot hold together, each with the place that is in the wrong; ``line`` says where something else stands."""
    yield from _roles(declaration, line)
    yield from _names(declaration)
    yield from equal_labels(declaration, line)
    yield from _private(declaration)
    yield from _undeclared(declaration)
    yield from _formulas(declaration)
    yield from _times(declaration)
    wrong = list(_windows(declaration))
    yield from wrong or _window_names(declaration)
    yield from _validation(declaration)
    yield from _optional(declaration)
    if not declaration.features:
        yield (), "it declares nothing to learn from: no numeric, categorical or derived column, and no amount"


def _roles(declaration: Declaration, line: Callable[[Place], int | None]) -> Iterator[Contradiction]:
    first: dict[str, Place] = {}
    for column, place in declaration.mentions():
        other = first.setdefault(column, place)
        if other == place or {other[0], place[0]} == {"entities", "categorical"}:  # the category may have a history
            continue
        if other[0] == place[0] == "entities" and any(len(declaration.columns_of(str(each[1]))) > 1 for each in (other, place)):
            continue
        at = line(other)
        where = f" in line {at}" if at is not None else ""
        if "label" in (other[0], place[0]) and {other[0], place[0]} & {"numeric", "categorical", "amount"}:
            yield (
                place,
                f"{dotted(place)}: '{column}' is the label (or when it is known{where}); to learn from it would be a leak",
            )
        else:
            yield place, f"{dotted(place)}: '{column}' is {dotted(other)}{where}, too; a column has one role"


def _names(declaration: Declaration) -> Iterator[Contradiction]:
    seen: dict[str, str] = {}
    for column in declaration.columns:
        place = next((place for name, place in declaration.mentions() if name == column), ())
        if column.startswith("_"):
            yield place, f"{dotted(place)}: names of columns that begin with _ are the project's own; rename '{column}'"
        other = seen.setdefault(column.casefold(), column)
        if other != column:
            yield place, f"{dotted(place)}: '{column}' and '{other}' differ in upper and lower case only; rename one of them"
    made: set[Place] = {("derived", name) for name in declaration.derived} | {("bands", name) for name in declaration.bands}
    if declaration.sql is not None:
        made |= {("sql", "features", name) for name in declaration.sql.features}
    taken = {name.casefold(): f"the column '{name}'" for name in seen.values()}
    taken |= {name: f"calendar's {name}" for name in declaration.calendar}
    for made_place in sorted(made, key=dotted):
        name = str(made_place[-1]).casefold()
        if name in RESERVED or name in TAKEN:
            what = "a word of SQL" if name in RESERVED else "a name that answers, logs or tables of features have for themselves"
            yield made_place, f"{dotted(made_place)}: '{made_place[-1]}' is {what}; choose another one"
        if name in taken:
            yield made_place, f"{dotted(made_place)} has the name of {taken[name]}; choose another one"
        taken[name] = dotted(made_place)


def _private(declaration: Declaration) -> Iterator[Contradiction]:
    for column, place in declaration.mentions():
        if column in declaration.private and place[0] in (*_LEARNED, "label"):
            why = "its values are never learned" if place[0] in _LEARNED else "its values are reported"
            yield place, f"{dotted(place)}: '{column}' is private; {why}"
    for at, column in enumerate(declaration.protected):
        if column in declaration.private:
            yield ("protected", at), f"protected: '{column}' is private; its values would be reported as names of groups"
        if column == declaration.label.column:
            yield ("protected", at), f"protected: '{column}' is the label, which every group is judged by"
    for name, band in declaration.bands.items():
        if band.column in declaration.private:
            yield ("bands", name, "column"), f"bands.{name}.column: '{band.column}' is private; its values are never shown"


def _undeclared(declaration: Declaration) -> Iterator[Contradiction]:
    columns, numbers = declaration.columns, _numbers(declaration)
    for at, column in enumerate(declaration.optional):
        if column not in columns:
            yield ("optional", at), _unknown("optional", column, columns)
    for column, kind in declaration.types.items():
        if column not in columns:
            yield ("types", column), _unknown("types", column, columns)
        elif kind == "text" and (column in numbers or column in declaration.banded or _is_amount(declaration, column)):
            yield ("types", column), f"types.{column} is text, and the column is a number by its role; remove one of the two"
    for name, band in declaration.bands.items():
        place: Place = ("bands", name, "column")
        if band.column in declaration.categorical:
            yield place, f"bands.{name}.column: '{band.column}' is categorical, and bands cut numbers; declare it as numeric"
        elif band.column not in numbers and band.column not in declaration.protected:
            yield place, _unknown(f"bands.{name}.column", band.column, numbers, "no numeric column")
        elif band.missing_values is not None and band.column in declaration.measured:
            what = f"models read '{band.column}'; write there what means that nothing is known"
            yield ("bands", name, "missing_values"), f"bands.{name}.missing_values: {what}"


def _formulas(declaration: Declaration) -> Iterator[Contradiction]:
    numbers, known = _numbers(declaration), declaration.label.known
    outcome = (declaration.label.column, known.column if known is not None else None)
    for name, derived in declaration.derived.items():
        place: Place = ("derived", name, "formula")
        read = columns_of(derived.tree)
        if not read:
            yield place, f"derived.{name} reads no column; a number that never changes tells nothing"
        for column in read:
            if column in outcome:
                yield place, f"derived.{name}: '{column}' is the label (or when it is known); to learn from it would be a leak"
            elif column in declaration.private:
                yield place, f"derived.{name}: '{column}' is private; its values are never learned"
            elif column in declaration.derived:
                yield place, f"derived.{name}: '{column}' is derived, too; a formula reads columns of the table"
            elif column not in numbers:
                yield place, _unknown(f"derived.{name}", column, numbers, "no numeric column")


def _times(declaration: Declaration) -> Iterator[Contradiction]:
    time, known = declaration.time, declaration.label.known
    if time is None:
        if declaration.calendar:
            yield ("calendar",), "calendar needs a time, and there is none; declare the column, or remove calendar"
        if known is not None:
            yield ("label", "known"), "label.known needs a time, and there is none; declare the column, or remove known"
        return
    if known is not None and known.format and time.since == "start":
        yield ("label", "known", "format"), "label.known.format dates outcomes, and time counts from a start without a date"
    for at, feature in enumerate(declaration.calendar):
        if time.since == "start" and feature not in _TIMELESS:
            yield ("calendar", at), f"calendar: {feature} needs a date, and time counts from a start without one"


def _windows(declaration: Declaration) -> Iterator[Contradiction]:
    if "without_history" in declaration.model_fields_set and not declaration.windows:
        yield ("without_history",), "without_history is about windows, and there are none; declare some, or remove it"
    for entity, windows in declaration.windows.items():
        place: Place = ("windows", entity)
        if declaration.time is None:
            yield place, f"windows.{entity} needs a time, and there is none; declare the column, or remove the windows"
        if entity not in declaration.entities:
            yield place, _unknown("windows", entity, declaration.entities, "no entity")
        if len(set(windows.span_seconds)) < len(windows.spans):
            yield (*place, "spans"), f"windows.{entity}.spans holds one span twice, written in two ways; keep one"
        for at, text in enumerate(windows.of):
            name, of = split_aggregate(text)
            where, what = (*place, "of", at), f"windows.{entity}.of: {text}"
            if name == "change" and len(windows.spans) == 1:
                yield where, f"{what} sets shorter spans against the longest, and there is one; add a span"
            if name in LABEL_AGGREGATES and declaration.label.known is None:
                yield where, f"{what} needs label.known, which says when an outcome is there; without it, it would be a leak"
            if name in LABEL_AGGREGATES and _tells_no_date(declaration):
                told = "outcomes have dates, and time counts from a start without one, so no service can compare them"
                yield where, f"{what}: {told}; declare label.known as a delay, such as {{after: 14d}}"
            if name in ENTITY_AGGREGATES and of not in declaration.entities:
                yield where, f"{what}: {_unknown('', str(of), declaration.entities, 'no entity')}"
            elif name in ENTITY_AGGREGATES and _tells(declaration, entity) >= _tells(declaration, str(of)):
                yield where, f"{what} asks of {entity} whether it is itself; name another entity"
            elif name in COLUMN_AGGREGATES and of is None and declaration.amount is None:
                yield where, f"{what} is of the amount, and there is none; name a numeric column, such as {name}(distance)"
            elif name in COLUMN_AGGREGATES and of is not None and of not in _numbers(declaration):
                yield where, f"{what}: {_unknown('', of, _numbers(declaration), 'no numeric column')}"


def _tells(declaration: Declaration, entity: str) -> set[str]:
    """Return the columns that are known of an entity; none of one that is not declared."""
    return set(declaration.columns_of(entity)) if entity in declaration.entities else set()


def _tells_no_date(declaration: Declaration) -> bool:
    time, known = declaration.time, declaration.label.known
    return time is not None and time.since == "start" and known is not None and known.column is not None


def _window_names(declaration: Declaration) -> Iterator[Contradiction]:
    """Features of windows are called by their entity; another name of that keeps them apart from what has such a name already."""
    taken = {name.casefold(): column for column, name in prepared_names(declaration).items()}
    made = (*declaration.derived, *declaration.bands, *(() if declaration.sql is None else declaration.sql.features))
    taken |= {name.casefold(): name for name in (*made, *declaration.calendar)}
    for entity, features in itertools.groupby(window_features(declaration), key=lambda each: each.entity):
        for feature in features:
            other = next((taken[name] for each in feature.names if (name := each.casefold()) in taken), None)
            if other is not None:
                what = f"windows.{entity} makes '{feature.name}', and '{other}' is called so; give the entity another name"
                yield ("windows", entity), what
                break
            taken |= {feature.name.casefold(): feature.name}


def _validation(declaration: Declaration) -> Iterator[Contradiction]:
    validation, known = declaration.validation, declaration.label.known
    if validation is None:
        return
    place: Place = ("validation",)
    if declaration.time is None:
        yield place, "validation goes by days and needs a time, and there is none; declare the column, or remove validation"
    if not declaration.entities:
        yield (
            place,
            "validation counts whom somebody looks at and needs entities, and there are none; declare whose rows these are",
        )
    elif validation.by is not None and validation.by not in declaration.entities:
        yield (*place, "by"), _unknown("validation.by", validation.by, declaration.entities, "no entity")
    if validation.wait is None or known is None or known.after is None:
        return
    if duration_seconds(validation.wait) < duration_seconds(known.after):
        what = f"validation.wait is {validation.wait}, and label.known says that outcomes are known after {known.after}"
        yield (*place, "wait"), f"{what}; wait at least as long, or leave it out"


def _optional(declaration: Declaration) -> Iterator[Contradiction]:
    needed = {column: place for column, place in declaration.mentions() if place[0] in ("time", "amount", "label")}
    for at, column in enumerate(declaration.optional):
        place: Place = ("optional", at)
        if column in needed:
            yield place, f"optional: '{column}' is {dotted(needed[column]).removesuffix('.column')}, which every row needs"
        elif column in declaration.entity_columns:
            yield place, f"optional: '{column}' says whose history a row belongs to, which every row needs"
        feature = declaration.numeric.get(column) or declaration.categorical.get(column)
        if feature is not None and feature.missing == "refuse":
            role = "numeric" if column in declaration.numeric else "categorical"
            yield (
                place,
                f"optional: '{column}' may be absent, and {role}.{column}.missing is refuse; write `missing: allow` there",
            )


def dotted(place: Place) -> str:
    """Return a place as people write it: ``categorical.country.unseen``; positions in lists are left out."""
    return ".".join(part if part.replace("_", "a").isalnum() else f'"{part}"' for part in place if isinstance(part, str))


def _numbers(declaration: Declaration) -> tuple[str, ...]:
    amount = () if declaration.amount is None else (declaration.amount.column,)
    return (*declaration.numeric, *amount)


def _is_amount(declaration: Declaration, column: str) -> bool:
    return declaration.amount is not None and column in (declaration.amount.column, declaration.amount.rate_column)


def _unknown(where: str, given: str, choices: Iterable[str], what: str = "no declared column") -> str:
    choices = list(choices)
    there = f"there are {', '.join(choices[:8])}{' and more' if len(choices) > 8 else ''}" if choices else "there are none"
    near = did_you_mean(given, choices).strip()
    return f"{where}{': ' if where else ''}'{given}' is {what}; {there}{f'. {near}' if near else ''}"
