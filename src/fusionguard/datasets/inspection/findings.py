"""What is to be looked at before a table is learned from: each kind of finding a function, with the columns it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fusionguard.datasets.inspection.bands import age_bands
from fusionguard.datasets.inspection.forms import STAND_INS
from fusionguard.datasets.inspection.label import Label
from fusionguard.datasets.inspection.profile import Column, Profile, holds_currencies
from fusionguard.datasets.inspection.roles import Role

Weight = Literal["stop", "look"]


@dataclass(frozen=True)
class Finding:
    """Something that spoils models, or may.

    Parameters
    ----------
    kind
        Which kind, for programs: ``constant``.
    weight
        ``stop`` where a model learned from it would be wrong, ``look`` where somebody must decide.
    columns
        The columns it is about; none where it is about the table.
    what, remedy
        A sentence that says what was found, and one that says what to do. No value of a private column is in them.
    """

    kind: str
    weight: Weight
    columns: tuple[str, ...]
    what: str
    remedy: str


def grouped(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield findings, those that say the same of one column each as one of all of them, in the place of the first."""
    alike: dict[tuple[str, str, str], list[Finding]] = {}
    for place, finding in enumerate(findings):
        start = f"'{finding.columns[0]}' " if len(finding.columns) == 1 else ""
        same = start and finding.what.startswith(start)
        rest = finding.what.removeprefix(start) if same else f"{place}"
        alike.setdefault((finding.kind, finding.remedy, rest), []).append(finding)
    for (kind, remedy, rest), group in alike.items():
        if len(group) == 1:
            yield group[0]
            continue
        names = tuple(finding.columns[0] for finding in group)
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        what = f"{', '.join(map(repr, names[:_MOST_NAMES]))}{more}: each {rest}"
        yield Finding(kind, group[0].weight, names, what, remedy)


def layout(profile: Profile) -> Iterator[Finding]:
    """Find what training cannot read as the file is."""
    typed = profile.layout == "parquet"
    remedy = "The draft ignores them: write numbers, texts or moments to have them read." if typed else "Save it as UTF-8."
    for oddity in profile.oddities:
        yield Finding("layout", "look", (), f"The file is not as training reads it: {oddity}.", remedy)


def odd_names(profile: Profile) -> Iterator[Finding]:
    """Find names that no declaration can hold: with blanks around them, characters that do not print, or of great length."""
    for column in profile.columns:
        name = column.name
        if name != name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
            shown = ascii(name[:40])
            what = f"The name {shown} has blanks around it, or characters that do not print, or is very long."
            yield Finding("odd_name", "stop", (name,), what, "Rename the column where the file is made.")


def constant(profile: Profile, roles: Mapping[str, Role]) -> Iterator[Finding]:
    """Find columns that are empty, or the same in every row."""
    for column in profile.columns:
        if column.filled == 0:
            yield Finding("constant", "look", (column.name,), f"'{column.name}' is empty.", "It tells nothing: leave it out.")
        elif column.distinct == 1 and column.missing == 0 and roles[column.name].name != "currency":
            what = f"'{column.name}' is the same in all {column.rows:,} rows."
            yield Finding("constant", "look", (column.name,), what, "It tells nothing: leave it out.")


def read_as_written(profile: Profile) -> bool:
    """Return whether all numbers of a table can be read as they are written, by one form that a declaration may state."""
    numbers = [column for column in profile.columns if column.form.kind == "number" and not column.typed]
    marked = [column for column in numbers if column.form.words or not column.whole]
    return len({"decimal commas" in column.form.words for column in marked}) < 2


def written_otherwise(profile: Profile, roles: Mapping[str, Role]) -> Iterator[Finding]:
    """Find numbers and times that are written as text, and times in which day and month may be either."""
    for column in profile.columns:
        words, name = column.form.words, column.name
        if roles[name].private:
            continue
        if column.form.kind == "number" and words:
            what = f"'{name}' holds numbers written {words}."
            said = read_as_written(profile)
            remedy = "The draft says so." if said else "Write them plainly, 1234.5, where the file is made: others are."
            yield Finding("number_as_text", "look", (name,), what, remedy)
        elif column.form.kind == "time" and words:
            what = f"'{name}' holds {words} ({column.form.pattern})."
            drafted = roles[name].name == "time"
            remedy = "The draft names this format." if drafted else "Write ISO 8601 where the file is made, if it is to be read."
            yield Finding("date_as_text", "look", (name,), what, remedy)
            if column.form.ambiguous:
                what = f"In '{name}' no day is above 12: whether days or months come first cannot be seen."
                yield Finding("ambiguous_date", "stop", (name,), what, "Ask its owner. The draft takes days to come first.")


def mixed_types(profile: Profile, roles: Mapping[str, Role]) -> Iterator[Finding]:
    """Find columns in which some cells are numbers or times and others are not."""
    for column in profile.columns:
        if column.misfits:
            kind = "numbers" if column.form.kind == "number" else "times"
            what = f"'{column.name}' holds {kind}, but {column.misfits:,} of {column.filled:,} cells are none."
            listed = "list them in missing_values, if they mean that nothing is known"
            remedy = f"Correct them, or {listed if kind == 'numbers' else 'let them be missing'}."
            yield Finding("mixed_types", "stop", (column.name,), what, remedy)
        elif column.form.kind == "text" and not column.form.coded and not column.typed and 0.05 < column.numbers < 0.95:
            codes = column.shortest == column.longest or roles[column.name].name in ("id", "entity")
            if codes or column.personal or column.distinct > 0.9 * column.filled:
                continue  # references and texts may be anything
            what = f"'{column.name}' mixes texts with numbers ({column.numbers:.0%} of the cells)."
            yield Finding("mixed_types", "look", (column.name,), what, "Two things may have got into one column: ask its owner.")


def _missing_words(column: Column, role: Role, drafted: bool) -> Iterator[Finding]:
    """Yield what is to be done about words such as ``unknown`` in a column of numbers or times."""
    if not column.said:
        return
    words = ", ".join(repr(value.text) for value in column.said)
    rows = sum(value.rows for value in column.said)
    what = f"'{column.name}' holds {column.form.kind}s, and {words} in {rows:,} rows."
    if role.name in ("time", "known"):
        yield Finding(
            "missing_words", "stop", (column.name,), what, "Times have no such words: leave the cells empty, or the rows out."
        )
    elif drafted:
        yield Finding("missing_words", "look", (column.name,), what, "The draft takes them for missing (missing_values).")
    else:
        yield Finding("missing_words", "look", (column.name,), what, "Leave such cells empty where the file is made.")


def stand_ins(profile: Profile, sentinels: Mapping[str, tuple[float, int]], roles: Mapping[str, Role]) -> Iterator[Finding]:
    """Find values that stand where one is missing: words in texts, and numbers such as -1 and 9999."""
    for column in profile.columns:
        if column.personal:
            continue
        role = roles[column.name]
        drafted = role.name in ("numeric", "categorical", "amount") or (role.protected and age_bands(profile, column) is not None)
        if column.name in sentinels:
            number, rows = sentinels[column.name]
            what = f"'{column.name}' is {number:g} in {rows:,} rows, far from all others: it may stand for a missing value."
            remedy = "The draft takes it so (missing_values): check that it is." if drafted else "Leave such cells empty."
            yield Finding("stand_in", "stop", (column.name,), what, remedy)
        yield from _missing_words(column, role, drafted)
        said = [value for value in column.values if value.text.lower() in STAND_INS]
        if said and column.form.kind == "text":
            rows = sum(value.rows for value in said)
            words = ", ".join(repr(value.text) for value in said)
            what = f"'{column.name}' says {words} in {rows:,} rows: a missing value, perhaps."
            yield Finding("stand_in", "look", (column.name,), what, "Leave such cells empty, or keep the word as a category.")


def ids_as_numbers(profile: Profile, roles: Mapping[str, Role]) -> Iterator[Finding]:
    """Find numbers that name rows and would be taken for a measure."""
    for column in profile.columns:
        if column.form.kind == "number" and roles[column.name].names_rows:
            what = f"'{column.name}' holds numbers that name rows ({column.distinct:,} values in {column.filled:,} rows)."
            yield Finding("id_as_number", "look", (column.name,), what, "As a feature it lets a model learn rows by heart.")


def mixed_currencies(profile: Profile, roles: Mapping[str, Role]) -> Iterator[Finding]:
    """Find amounts in several currencies, which stop where no column has their rates."""
    rate = next(((name, role.base) for name, role in roles.items() if role.name == "rate"), None)
    for column in profile.columns:
        codes = holds_currencies(column) or column.form.currencies
        if len(codes) > 1:
            what = f"'{column.name}' says several currencies: {', '.join(codes[:8])}."
            remedy = "Add a column of rates, or convert amounts into one."
            if rate is not None:
                remedy = f"The draft converts them into {rate[1]} by '{rate[0]}': check that it is what one unit is worth."
            yield Finding("mixed_currencies", "look" if rate else "stop", (column.name,), what, remedy)


def personal(profile: Profile) -> Iterator[Finding]:
    """Find columns that say who somebody is."""
    for column in profile.columns:
        if column.personal is not None:
            what = f"'{column.name}' looks personal: {column.personal}. Its values are not shown."
            yield Finding("personal", "look", (column.name,), what, "It is drafted as private: never shown, logged or learned.")


def protected(profile: Profile, roles: Mapping[str, Role]) -> Iterator[Finding]:
    """Find columns by which people must not be treated worse."""
    names = tuple(column.name for column in profile.columns if roles[column.name].protected)
    if names:
        what = f"By {', '.join(map(repr, names))} fairness is reported, and the draft has {'it' if len(names) == 1 else 'them'} "
        remedy = "Where it may be learned from, name it under numeric or categorical, too."
        yield Finding("protected", "look", names, f"{what}as no feature.", remedy)


def few_positives(label: Label) -> Iterator[Finding]:
    """Find a label with too few rows of a class to learn from and to judge by, and one that may be turned round."""
    rows, name = label.positives + label.negatives, label.column.name
    fewer = min(label.positives, label.negatives)
    if fewer < _FEWEST:
        what = f"Only {fewer:,} of {rows:,} rows are {'positive' if label.positives == fewer else 'negative'}."
        yield Finding("few_positives", "stop", (name,), what, f"Below {_FEWEST}, results are chance: gather more first.")
    elif label.share < _RARE:
        what = f"{label.positives:,} of {rows:,} rows are positive ({label.share:.3%})."
        yield Finding("rare_positives", "look", (name,), what, "Judge by average precision; accuracy says nothing here.")
    if label.share > 0.5:
        what = f"More than half of the rows are positive ({label.share:.0%})."
        yield Finding("mostly_positive", "look", (name,), what, "Check which value means yes.")
    if label.column.missing:
        what = f"{label.column.missing:,} rows have no label."
        yield Finding("label_missing", "look", (name,), what, "Say in the declaration what becomes of them (label: missing).")


def undecided(label: Label) -> Iterator[Finding]:
    """Find values of the label of which nothing says whether they mean yes or no."""
    if label.undecided:
        name = label.column.name
        rows = sum(value.rows for value in label.column.values if value.text in label.undecided)
        words = ", ".join(map(repr, label.undecided))
        what = f"'{name}' says {words} in {rows:,} rows, which means neither yes nor no."
        yield Finding(
            "undecided_label", "stop", (name,), what, "Add each to positive or negative in the draft, or leave the rows out."
        )


_LONGEST_NAME = 200
_MOST_NAMES = 8
_FEWEST = 100
_RARE = 0.001


def column_copies(copies: Sequence[tuple[Column, ...]], roles: Mapping[str, Role]) -> Iterator[Finding]:
    """Find features that are nearly copies of each other."""
    for group in copies:
        features = [column.name for column in group if roles[column.name].name in _FEATURES]
        if len(features) > 1:
            names = ", ".join(f"'{name}'" for name in features)
            what = f"{names} are nearly copies of each other."
            yield Finding("column_copies", "look", tuple(features), what, "Keep one: reasons would be split between them.")


_FEATURES = ("numeric", "categorical", "amount", "protected")
