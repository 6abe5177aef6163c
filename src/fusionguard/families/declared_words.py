"""How people speak of a data set that somebody declared: what its kind brings along, with names and fields of its own."""

from __future__ import annotations

import re
from dataclasses import replace

from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.resolved import ResolvedDataset
from fusionguard.families.text_fields import TextField, read_texts, time_pattern
from fusionguard.families.words import FamilyWords, FieldWords, FormWords

MANY_FIELDS, SHOWN_OF_MANY = 40, 12
"""A form of more fields than the first number shows so many at once, and the others where they are asked for."""
_PIECE = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])|\d+")


def spelled(name: str) -> str:
    """Return a pattern for a name, however its words are parted: ``Payment.Method`` is found as ``payment method``."""
    words = [word for part in re.split(r"[\W_]+", name) for word in _words(part)]
    return r"[\s_./'’-]{0,2}".join(map(re.escape, words)) if words else re.escape(name)


def declared_words(kind: FamilyWords, described: ResolvedDataset) -> FamilyWords:
    """Return a kind's words for a declared data set: what the kind's own data set is spoken of by is left out."""
    declaration = described.declaration
    numbers = {name: _pattern(name, each.label) for name, (_, each) in declaration.measured.items()}
    texts = tuple(_texts(described))
    amount = None if declaration.amount is None else declaration.amount.column
    if declaration.amount is not None and declaration.amount.rate_column is not None:
        numbers[declaration.amount.rate_column] = _pattern(declaration.amount.rate_column, None)
    units = {name: each.unit for name, (_, each) in declaration.measured.items() if each.unit}
    told = list(units.values())
    own = {name: f"|{re.escape(unit)}" for name, unit in units.items() if told.count(unit) == 1}
    optional = {name for name, (_, each) in declaration.measured.items() if each.missing == "allow"} | {*declaration.optional}
    return replace(
        kind,
        written_example=_written_example(described),
        fields=FieldWords(
            before=numbers,
            after={name: rf"[\s-]?(?:{words}{own.get(name, '')})" for name, words in numbers.items()},
            money=frozenset() if amount is None else frozenset({amount}),
            any_money=amount,
            optional=frozenset(optional & numbers.keys()),
            read=read_texts(texts),
        ),
        form=FormWords(
            first=_first(declaration),
            rest="More fields",
            labels={name: _labelled(described, name) for name in declaration.columns},
        ),
        said_and_meant=(),
        not_names=frozenset(),
        personal_numbers="",
    )


def _words(part: str) -> list[str]:
    return _PIECE.findall(part) if re.search(r"[a-z][A-Z]", part) else [part] if part else []


def _pattern(name: str, label: str | None) -> str:
    return "|".join(sorted({spelled(each) for each in (name, label) if each}, key=lambda each: (-len(each), each)))


def _texts(described: ResolvedDataset) -> list[TextField]:
    """Return the fields that hold texts, the moment of a row among them."""
    declaration = described.declaration
    found = []
    for name, each in declaration.categorical.items():
        known = described.categories[name].values if name in described.categories else ()
        missing = each.missing == "allow" or each.unseen == "missing" or name in declaration.optional
        found.append(TextField(name, _pattern(name, each.label), known, open=each.unseen != "refuse", optional=missing))
    if declaration.time is not None and declaration.time.unit is None:
        name = declaration.time.column
        found.append(TextField(name, _pattern(name, None), written=time_pattern(declaration.time.format)))
    if declaration.amount is not None and declaration.amount.currency_column is not None:
        name = declaration.amount.currency_column
        found.append(TextField(name, _pattern(name, None), written="[A-Za-z]{3}"))
    return found


def _written_example(described: ResolvedDataset) -> str:
    """Return a field with a value, as a question may have it."""
    declaration = described.declaration
    for name in declaration.measured:
        found = described.columns[name].range if name in described.columns else None
        if found is not None:
            return f"{name} = {found[1]:.4g}"
    for name in declaration.categorical:
        if name in described.categories and described.categories[name].values:
            return f"{name} = {described.categories[name].values[0]}"
    return ""


def _first(declaration: Declaration) -> tuple[str, ...]:
    """Return the fields that a form of many shows at once; none where it shows all."""
    if len(declaration.measured) + len(declaration.categorical) <= MANY_FIELDS:
        return ()
    amount = () if declaration.amount is None else (declaration.amount.column,)
    time = () if declaration.time is None else (declaration.time.column,)
    return tuple(dict.fromkeys((*time, *amount, *declaration.numeric, *declaration.categorical)))[:SHOWN_OF_MANY]


def _labelled(described: ResolvedDataset, name: str) -> str:
    """Return what a form calls a field: its label, and in what it is counted."""
    declaration = described.declaration
    measured = declaration.measured.get(name)
    if measured is not None:
        amount = declaration.amount
        of_amount = amount is not None and name == amount.column
        foreign = amount is not None and amount.currency_column is not None
        unit = measured[1].unit or (described.currency if of_amount and not foreign else None)
        return f"{measured[1].label or name} ({unit})" if unit else measured[1].label or name
    if name in declaration.categorical:
        return declaration.categorical[name].label or name
    return name
