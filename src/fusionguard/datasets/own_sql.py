"""The SQL of a data set's own, which lies beside its declaration and makes further numbers of a row's prepared columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fusionguard.datasets.declaration import Declaration, OwnSql, Place
from fusionguard.datasets.prepared_names import CLOCK, EVENT, KNOWN, TOLD, prepared_names
from fusionguard.errors import DataError
from fusionguard.expressions.errors import ExpressionError
from fusionguard.expressions.expression import Expression, parse_rows, parse_select
from fusionguard.expressions.tokens import tokens_of
from fusionguard.expressions.tree import RawColumn

LARGEST_BYTES = 64 * 1024
"""A larger file is not read."""

_LEAK = "it is the label (or when it is known); to learn from it would be a leak"


def read_own_sql(own: OwnSql, folder: Path) -> str:
    """Return the text of a declared SQL file; raise :class:`ValueError` that says what is wrong with the file."""
    file = folder / own.rows
    if not file.is_file():
        raise ValueError("there is no such file beside the declaration")
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST_BYTES + 1)
    except PermissionError:
        raise ValueError("you may not read that file; change its permissions, or ask its owner to") from None
    if len(raw) > LARGEST_BYTES:
        raise ValueError(f"that file is larger than {LARGEST_BYTES // 1024} KB; write fewer or shorter expressions")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("that file is no text in UTF-8; save it as UTF-8") from None


def readable_columns(declaration: Declaration) -> dict[str, RawColumn]:
    """Return the prepared columns that features of a row may be made of, by the names that they then have."""
    names, optional = prepared_names(declaration), declaration.optional
    found = {} if declaration.time is None else {CLOCK: RawColumn("float")}
    for name, (_, each) in declaration.measured.items():
        found[names[name]] = RawColumn("float", each.missing == "allow" or name in optional)
    for name, categorical in declaration.categorical.items():
        lost = categorical.missing == "allow" or categorical.unseen == "missing" or name in optional
        found[names[name]] = RawColumn("text", lost)
    return found


def own_features(declaration: Declaration, text: str | None) -> dict[str, Expression]:
    """Return the features that a data set's own SQL makes, as they are listed; none where it declares no SQL.

    Raises
    ------
    DataError
        It declares SQL, and the text is not there.
    ExpressionError
        The text is wrong; of a declaration that was read, :func:`own_faults` has told so.
    """
    if declaration.sql is None:
        return {}
    if text is None:
        raise DataError(
            f"The data set '{declaration.name}' has SQL of its own, whose text is not there.",
            "Read the declaration from its folder.",
        )
    found = parse_select(text, readable_columns(declaration))
    return {name: found[name] for name in declaration.sql.features}


def own_faults(declaration: Declaration, text: str) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong with the text of a data set's own SQL, each with the place of the declaration that is about it."""
    own = declaration.sql
    if own is None:
        return
    try:
        wrong = list(_refused_columns(declaration, text))
        found = {} if wrong else parse_select(text, readable_columns(declaration))
    except ExpressionError as error:
        wrong, found = [error], {}
    for name, feature in found.items():
        wrong += _unfit(declaration, own, text, name, feature)
    for each in wrong:
        what = f"{each.wrong}. {each.right}".rstrip(". ")
        yield ("sql", "rows"), f"{own.rows}, line {each.line}, character {each.column}: {what}"
    for name in own.features:
        if found and name not in found:
            yield ("sql", "features", name), f"sql.features lists '{name}', and {own.rows} defines {', '.join(found)} alone"


def _refused_columns(declaration: Declaration, text: str) -> Iterator[ExpressionError]:
    """Yield an error for each column that is there, and that no feature may be made of."""
    refused = dict(_refusals(declaration))
    for token in tokens_of(text, comments=True):
        if token.kind == "name" and token.value in refused:
            what, right = refused[token.value]
            yield ExpressionError(text, token.position, f"'{token.value}' cannot be read here: {what}", right)


def _refusals(declaration: Declaration) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each name of a prepared column or a feature that SQL cannot read, with the reason and the remedy."""
    names, readable, known = prepared_names(declaration), readable_columns(declaration), declaration.label.known
    outcome = {declaration.label.column, *(() if known is None or known.column is None else (known.column,))}
    for column, name in names.items():
        if name in readable:
            continue
        if column in outcome:
            yield name, (_LEAK, "")
        elif column in declaration.private:
            yield name, ("it is private; its values are never learned", "")
        else:
            yield name, ("no model reads this column", "Declare it as numeric or categorical.")
    for name in (*declaration.calendar, *declaration.derived, *declaration.bands):
        yield name, ("it is made of columns, too", "Read the columns of the table.")
    yield from ((name, (_LEAK, "")) for name in (KNOWN, TOLD))
    if declaration.time is None:
        yield CLOCK, ("the data set has no time", "Declare the column of times.")
    yield EVENT, ("a row that is scored is read by the clock of its zone", f"Write {CLOCK}.")


def _unfit(declaration: Declaration, own: OwnSql, text: str, name: str, feature: Expression) -> Iterator[ExpressionError]:
    """Yield what is wrong with a feature as such."""
    if name not in own.features:
        listed = f"it defines '{name}', and sql.features lists {', '.join(own.features)} alone"
        yield ExpressionError(text, feature.position, listed, "List it there, or remove it.")
    elif not feature.columns:
        yield ExpressionError(text, feature.position, f"'{name}' reads no column; a number that never changes tells nothing")
    try:
        parse_rows(f"SELECT {feature.number_sql()} AS {name} FROM raw", readable_columns(declaration))
    except ExpressionError as error:  # plain parts are written anew with more parentheses
        yield ExpressionError(text, feature.position, f"'{name}' is too much for one expression: {error.wrong}", error.right)
