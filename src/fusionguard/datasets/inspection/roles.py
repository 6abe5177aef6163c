"""What each column is guessed to be for, with the reason in words and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fusionguard.datasets.inspection.clocks import after_event, find_beginnings, find_time, is_excel_days, read_clock
from fusionguard.datasets.inspection.label import Label
from fusionguard.datasets.inspection.name_words import (
    CODE,
    COUNTS,
    ENTITY,
    FREE_TEXT,
    ID,
    PROTECTED,
    PROTECTED_IF_ALONE,
    name_words,
    says,
    word_set,
)
from fusionguard.datasets.inspection.problem import Problem
from fusionguard.datasets.inspection.profile import MOST_VALUES, Column, Profile, holds_currencies
from fusionguard.datasets.inspection.relation import Relation

RoleName = (
    Literal["label", "known", "time", "amount", "currency", "rate", "id", "entity"]
    | Literal["categorical", "numeric", "protected", "private", "ignored"]
)
Sure = Literal["sure", "likely", "guess"]

PEOPLE = ("customer", "account", "card", "device")
"""Entities that are somebody's, the widest first: their values are private."""
_MOST_CATEGORIES = 1_000
_FEWEST_ROWS_A_CATEGORY = 20
_FEWEST_ENTITIES = 20


@dataclass(frozen=True)
class Role:
    """What a column is for.

    Parameters
    ----------
    name
        The role.
    reason
        Why, in words.
    sure
        How sure it is.
    private, protected
        Whether its values are shown nowhere; whether fairness is reported by it.
    entity
        Of an entity, its kind: ``card``.
    unit, since
        Of a time that is a number: what it counts, and from when: ``epoch`` or ``start``.
    names_rows
        Of what is ignored, whether that is because it names rows as an id does.
    base
        Of a rate, the currency into which it converts.
    """

    name: RoleName
    reason: str
    sure: Sure = "likely"
    private: bool = False
    protected: bool = False
    entity: str = ""
    unit: str = ""
    since: str = ""
    names_rows: bool = False
    base: str = ""


def guess_roles(
    profile: Profile,
    label: Label | None,
    relations: Mapping[str, Relation],
    copies: Sequence[tuple[Column, ...]],
    problem: Problem,
    rising: frozenset[str],
    leaking: frozenset[str] = frozenset(),
) -> dict[str, Role]:
    """Return the role of every column, by its name in the order of the table.

    Parameters
    ----------
    rising
        The names of number columns that never fall from row to row: clocks, perhaps.
    leaking
        Those of columns that know the label too well: none of them is the amount.
    """
    roles: dict[str, Role] = {}
    if label is not None:
        roles[label.column.name] = Role("label", label.reason, "sure" if label.sure else "guess")
    rest = [column for column in profile.columns if column.name not in roles]
    roles |= dict(_plainly(rest))
    rest = [column for column in rest if column.name not in roles]
    beginnings = find_beginnings(copies)
    if (time := find_time(rest, relations, label, rising, beginnings)) is not None:
        words = f"{time.reason}; {', '.join(map(repr, time.others[:3]))} would do, too" if time.others else time.reason
        sure: Sure = "guess" if not time.named else "likely" if time.others else "sure"
        roles[time.column.name] = Role("time", words, sure, unit=time.unit, since=time.since)
    roles |= {name: role for name, role in _identities(rest) if name not in roles}
    if (
        amount := _amount([column for column in rest if column.name not in roles and column.name not in leaking], problem)
    ) is not None:
        roles[amount[0].name] = Role("amount", f"'{amount[1]}' in its name, and money")
    for column in rest:
        if column.name not in roles:
            roles[column.name] = _other(column, relations.get(column.name), label, rising)
            if column.name in beginnings:
                roles[column.name] = Role("ignored", f"it is when somebody came: '{beginnings[column.name]}' counts from it")
    roles |= dict(_copies_of_time(roles, copies))
    return {column.name: roles[column.name] for column in profile.columns}


def _plainly(columns: Sequence[Column]) -> Iterator[tuple[str, Role]]:
    """Yield the roles of columns that hold nothing, one value, currencies, or somebody."""
    for column in columns:
        if column.unread:
            what = "lists or structures" if column.unread == "nested" else column.unread
            yield column.name, Role("ignored", f"it holds {what}, which training does not read", "sure")
        elif column.filled == 0:
            yield column.name, Role("ignored", "it is empty", "sure")
        elif column.personal is not None:
            kind = _entity(column)
            if kind is not None:
                why = f"{column.personal}; it is there {column.filled / column.distinct:.1f} times on average"
                yield column.name, Role("entity", why, private=True, entity=kind)
            else:
                yield (
                    column.name,
                    Role("private", column.personal, "sure" if "name" in column.personal else "likely", private=True),
                )
        elif holds_currencies(column):
            yield column.name, Role("currency", "it holds the codes of currencies", "sure")
        elif _is_free_text(column):
            why = "many different texts of several words" if column.wordy else "its name says free text"
            yield column.name, Role("private", f"{why}: anybody may be named in them", private=True)
        elif column.distinct == 1:
            yield column.name, Role("ignored", "every filled cell is the same", "sure")


def _is_free_text(column: Column) -> bool:
    """Return whether a column holds what people write: nobody can vouch that no one is named in it."""
    if column.form.kind != "text" or column.distinct <= MOST_VALUES or _often_enough(column):
        return False
    return column.wordy or (says(column.name, FREE_TEXT) is not None and says(column.name, ID) is None)


def _often_enough(column: Column) -> bool:
    """Return whether the values of a text are few, and each is there often."""
    return column.distinct <= _MOST_CATEGORIES and column.filled >= _FEWEST_ROWS_A_CATEGORY * column.distinct


def _identities(columns: Sequence[Column]) -> Iterator[tuple[str, Role]]:
    """Yield the id, what else names rows, and entities."""
    unique = [column for column in columns if column.unique and column.form.kind != "time" and _names_rows(column)]
    chosen = max(unique, key=_id_points, default=None)
    for column in columns:
        if column is chosen:
            said = says(column.name, ID)
            why = "every row has one of its own" + (f", and '{said}' is in its name" if said else "")
            yield column.name, Role("id", why, "sure" if said else "likely", private=True)
        elif column in unique:
            yield (
                column.name,
                Role("ignored", "every row has one of its own: it names rows, and tells nothing of them", names_rows=True),
            )
        elif (kind := _entity(column)) is not None:
            why = f"'{kind}' in its name or the like; each is there {column.filled / column.distinct:.1f} times on average"
            yield column.name, Role("entity", why, private=kind in PEOPLE, entity=kind)


def _names_rows(column: Column) -> bool:
    if column.form.kind == "text":
        return True
    if column.form.kind != "number" or not column.whole or column.smallest is None or column.largest is None:
        return False
    dense = column.largest - column.smallest < 2 * column.rows
    kind = _kind(column)
    whole = kind is not None and all(word in ENTITY[kind] for word in name_words(column.name))
    return says(column.name, ID) is not None or dense or whole


def _id_points(column: Column) -> tuple[int, int, int]:
    words = name_words(column.name)
    counting = bool(set(words) & {"row", "rownumber", "index", "rowid"})
    return (-int(counting), int(says(column.name, ID) is not None), -column.place)


def _kind(column: Column) -> str | None:
    for kind, words in ENTITY.items():
        if says(column.name, words):
            return kind
    return None


def _entity(column: Column) -> str | None:
    """Return which kind of entity a column names; None where it names none."""
    kind = _kind(column)
    number = column.form.kind == "number"
    if kind is None or column.form.kind == "time" or (number and not column.whole) or column.unique:
        return None
    words = name_words(column.name)
    whole = "".join(words) in ENTITY[kind] or all(word in ENTITY[kind] for word in words)
    named = whole or says(column.name, ID | {"token", "hash", "code", "key"})
    counts = set(words) & COUNTS and number and column.distinct <= MOST_VALUES
    if not named or counts or column.distinct < _FEWEST_ENTITIES or column.filled < 1.1 * column.distinct:
        return None
    return kind


def _amount(columns: Sequence[Column], problem: Problem) -> tuple[Column, str] | None:
    """Return the column of money whose name has the first of the problem's words, and that word; None where none has any."""
    fitting = [column for column in columns if column.form.kind == "number" and column.distinct > MOST_VALUES]
    for word in problem.amount_words:
        named = [column for column in fitting if says(column.name, frozenset([word]))]
        if named:
            return min(named, key=lambda column: (len(name_words(column.name)), column.place)), word
    return None


def _other(column: Column, relation: Relation | None, label: Label | None, rising: frozenset[str]) -> Role:
    if label is not None and relation is not None and after_event(column, relation, label):
        if column.form.kind == "time":
            return Role("known", "a time that is filled only where the label is positive: when it became known", "likely")
        return Role("ignored", "it is filled only where the label is positive: it comes after the event", "sure")
    if column.form.kind == "time":
        return Role("ignored", "another time; a span made of it may be a feature")
    if read_clock(column, rising)[0]:
        return Role("ignored", "another clock, beside the time")
    if is_excel_days(column):
        return Role("ignored", "days as Excel counts them, from 1899-12-30; write them as dates to use them")
    if protected := _protected(column):
        return Role("protected", f"'{protected}' in its name", "sure", protected=True)
    if column.form.kind == "number":
        return _number(column)
    if column.form.kind == "boolean" or column.distinct <= MOST_VALUES:
        return Role("categorical", f"{column.distinct} values", "sure" if column.form.kind == "boolean" else "likely")
    if _often_enough(column):
        return Role("categorical", f"{column.distinct} values, each often enough to learn from", "likely")
    if _names_many(column):
        return Role("ignored", "nearly every row has one of its own: it names rows, or is free text", "likely", names_rows=True)
    return Role("ignored", f"{column.distinct:,} different texts are too many for categories", "likely")


def _names_many(column: Column) -> bool:
    return column.distinct > 0.9 * column.filled


def _number(column: Column) -> Role:
    if _looks_like_id(column):
        return Role("ignored", "whole numbers that hardly repeat: they name something, and measure nothing", names_rows=True)
    code = says(column.name, CODE)
    if code and column.whole and column.distinct <= _MOST_CATEGORIES and column.distinct > 2:
        return Role("categorical", f"'{code}' in its name: numbers that name something", "likely")
    what = "a flag" if column.distinct == 2 and column.smallest == 0 and column.largest == 1 else "numbers"
    return Role("numeric", what, "sure")


def _looks_like_id(column: Column) -> bool:
    """Return whether whole numbers hardly ever repeat and say in name or shape that they count nothing."""
    if not column.whole or column.smallest is None or column.largest is None or column.distinct < 0.95 * column.filled:
        return False
    if column.filled < MOST_VALUES:
        return False
    same_length = len(str(int(abs(column.smallest)))) == len(str(int(abs(column.largest)))) >= 6
    return says(column.name, ID) is not None or (same_length and column.largest < 1e19) or _dense(column)


def _dense(column: Column) -> bool:
    return column.unique and float(column.largest or 0) - float(column.smallest or 0) < 1.5 * column.rows


def _protected(column: Column) -> str | None:
    if word := says(column.name, PROTECTED):
        return word
    words = name_words(column.name)
    alone = [word for word in words if word in PROTECTED_IF_ALONE]
    return alone[0] if alone and all(word in PROTECTED_IF_ALONE or word in _ABOUT_PEOPLE for word in words) else None


_ABOUT_PEOPLE = word_set("customer client cust person holder user member years in at group band range bucket")


def _copies_of_time(roles: Mapping[str, Role], copies: Sequence[tuple[Column, ...]]) -> Iterator[tuple[str, Role]]:
    """Yield columns that only say the time once more."""
    for group in copies:
        times = [column.name for column in group if roles[column.name].name == "time"]
        for column in group:
            if times and roles[column.name].name in ("numeric", "categorical"):
                yield column.name, Role("ignored", f"it says the same as '{times[0]}'", "sure")
