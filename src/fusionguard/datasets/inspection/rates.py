"""Which column of numbers is the rate at which each row's currency is converted, and into which currency."""

from __future__ import annotations

from collections.abc import Mapping

from fusionguard.datasets.inspection.name_words import says, word_set
from fusionguard.datasets.inspection.opened_table import OpenedTable
from fusionguard.datasets.inspection.profile import Column, Profile
from fusionguard.datasets.inspection.roles import Role

_WORDS = word_set("rate fx exchange forex conversion kurs")
_SPREAD = 1.5
"""How many times its smallest value the largest rate of one currency may be: what a currency moves in a year or two."""
_FEWEST_ROWS = 10
"""So many rows for each currency at least; in fewer any column may be nearly constant."""


def find_rate(table: OpenedTable, profile: Profile, roles: Mapping[str, Role]) -> dict[str, Role]:
    """Return the role of the column of rates, by its name; nothing where there is no amount in several currencies, or no rate.

    A rate is above 0, 1 for exactly one currency, which may be empty instead, and hardly changes within each of the others.
    """
    named = [column for column in profile.columns if roles[column.name].name == "currency"]
    if not named or len(named[0].values) < 2 or not any(role.name == "amount" for role in roles.values()):
        return {}
    found: list[tuple[Column, str]] = []
    for column in profile.columns:
        plain = column.form.kind == "number" and roles[column.name].name in ("numeric", "ignored") and not column.misfits
        if plain and not column.personal and column.smallest is not None and column.smallest > 0:
            base = _base(table, column, named[0])
            if base is not None:
                found.append((column, base))
    if not found:
        return {}
    column, base = min(found, key=lambda each: (says(each[0].name, _WORDS) is None, each[0].place))
    why = f"1 for {base} alone, hardly changing within each other currency; check that it is what one unit is worth in {base}"
    return {column.name: Role("rate", why, base=base)}


def _base(table: OpenedTable, column: Column, currencies: Column) -> str | None:
    """Return the currency for which a column of numbers is 1, where it looks like the rates of the others; None elsewhere."""
    query = (
        f"SELECT upper({currencies.sql}) AS code, count(*), count(v), min(v), max(v) "
        f"FROM (SELECT *, {column.sql} AS v FROM {table.relation}) WHERE {currencies.sql} IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
    rates = table.ask(query)
    if sum(rows for _, rows, *_ in rates) < _FEWEST_ROWS * len(rates):
        return None
    own = [str(code) for code, _, filled, low, high in rates if not filled or low == high == 1]
    others = [each for each in rates if str(each[0]) not in own]
    whole = all(filled == rows and high <= _SPREAD * low for _, rows, filled, low, high in others)
    return own[0] if len(own) == 1 and others and whole else None
