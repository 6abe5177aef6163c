"""What people call columns and what is made of them, in reasons and reports; no two may be called alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fusionguard.datasets.declaration import Declaration, OwnFeature, Place


def label_of(declaration: Declaration, name: str) -> str:
    """Return what a column, a band or a feature that is made is called: its label, or its name where it has none."""
    _, label = _labelled(declaration, name)
    return label or name


def own_features_of(declaration: Declaration) -> dict[str, OwnFeature]:
    """Return the features that the data set's own SQL makes, by name."""
    return {} if declaration.sql is None else declaration.sql.features


def equal_labels(declaration: Declaration, line: Callable[[Place], int | None]) -> Iterator[tuple[Place, str]]:
    """Yield each name that is called as another one is, with its place: told by their labels, the two would become one.

    Reasons tell of features, reports of groups; what is never told beside each other may have one label, as an age and its bands.
    """
    own = own_features_of(declaration)
    features = (*declaration.measured, *declaration.categorical, *declaration.derived, *own)
    columns = (*declaration.protected, *declaration.categorical)
    groups = (*declaration.bands, *(column for column in columns if column not in declaration.banded))
    hours = ("time of day",) if declaration.calendar else ()
    told: set[str] = set()
    for names, calendar in ((features, declaration.calendar), (groups, hours)):
        first: dict[str, str] = {words.replace("_", " "): words for words in calendar}
        for name in dict.fromkeys(names):
            label = label_of(declaration, name)
            other = first.setdefault(label.casefold(), name)
            if other.casefold() == name.casefold() or name in told:  # that names are one is a fault of its own
                continue
            told.add(name)
            place, _ = _labelled(declaration, name)
            at = line(_labelled(declaration, other)[0]) if other in names else None
            where = f" in line {at}" if at is not None else ""
            yield place, f"'{name}' is called '{label}', as '{other}'{where} is; give one of them another label"


def _labelled(declaration: Declaration, name: str) -> tuple[Place, str | None]:
    """Return the place that says what a name is, and its label, if it has one."""
    for key, declared in (
        (("numeric",), declaration.numeric),
        (("categorical",), declaration.categorical),
        (("derived",), declaration.derived),
        (("sql", "features"), own_features_of(declaration)),
        (("bands",), declaration.bands),
    ):
        if name in declared:
            return (*key, name), declared[name].label
    if declaration.amount is not None and name == declaration.amount.column:
        return ("amount", "column"), declaration.amount.label
    return (("protected", declaration.protected.index(name)) if name in declaration.protected else ()), None
