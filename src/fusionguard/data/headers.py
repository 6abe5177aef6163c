"""Column names of a raw file, compared with those of its data set: what is missing, doubled, unknown, or only looks right."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import partial

from fusionguard.data.csv_form import SEPARATORS
from fusionguard.data.schema import DatasetSchema
from fusionguard.errors import DataError

_PANDAS_INDEX = re.compile(r"(Unnamed: \d+([._].*)?|__index_level_\d+__|index|level_\d+)?")
"""What pandas calls an index that it writes, or reads back as a column; none at all in the header of a CSV."""


class ColumnsError(DataError):
    """A file that lacks columns, or has unknown ones: ``columns``, in the order in which they are missed or found."""

    def __init__(self, what: str, remedy: str, columns: Sequence[str], *, unknown: bool) -> None:
        self.columns, self.unknown = tuple(columns), unknown
        super().__init__(what, remedy)

    def __reduce__(self) -> tuple[object, ...]:
        return (partial(type(self), unknown=self.unknown), (self.what, self.remedy, self.columns))


def read_header(name: str, start: bytes, separator: str = ",", utf8_remedy: str = "Save it as UTF-8.") -> list[str]:
    """Return the column names in the first row of CSV text; ``utf8_remedy`` says what to do where it is not UTF-8.

    Raises
    ------
    DataError
        There is no header, it is not UTF-8, or something else separates its columns.
    """
    start = start.removeprefix(b"\xef\xbb\xbf")
    lines = start.splitlines()
    if not lines or not lines[0].strip():
        raise DataError(f"{name} does not start with a header.", "Its first line must name the columns, separated by commas.")
    try:  # a quoted name may go on in the next line, so all that is there is given to the parser
        lines[0].decode("utf-8")
        header = next(csv.reader(io.StringIO(start.decode("utf-8", errors="ignore"), newline=""), delimiter=separator))
    except UnicodeDecodeError:
        raise DataError(f"{name} is not UTF-8 text.", utf8_remedy) from None
    if any("\n" in column or "\r" in column for column in header):
        raise DataError(f"{name} has a quote in its header that is not closed in its line.", "Remove it, or close it.")
    wanted = SEPARATORS[separator]
    for other, words in (*SEPARATORS.items(), (" ", "blanks")):
        # A first line of words above lines of commas is a remark, not a header that is separated by blanks.
        remark = other == " " and len(lines) > 1 and separator.encode() in lines[1]
        if len(header) == 1 and other in header[0].strip() and not remark:
            raise DataError(f"{name} has columns separated by {words}.", f"Save it with {wanted}.")
    return header


def check_columns(
    name: str, header: Sequence[str], schema: DatasetSchema, needed: Collection[str], ignored: bool, *, typed: bool = False
) -> None:
    """Refuse a header that is not what is needed.

    Parameters
    ----------
    needed
        The columns that must be there, each once; more of the schema's may be.
    ignored
        Whether further columns are let pass unread; else only those of the schema are known.
    typed
        Whether the names come from a file that keeps them apart from its rows, as parquet does.

    Raises
    ------
    DataError
        A needed column is doubled or missing, another one only looks like it, or one is unknown, such as an index that pandas
        wrote. The message names it.
    """
    doubled = [column for column in schema.columns if header.count(column) > 1 and (column in needed or not ignored)]
    if doubled:
        raise DataError(f"{name} has the column {listed(doubled)} more than once.", "Keep one of each.")
    by_look = {_look(column): column for column in (needed if ignored else schema.columns)}
    for given in header:
        meant = by_look.get(_look(given))
        if meant is not None and given not in schema.columns:
            where, remedy = f"where {meant!r} is expected", f"Rename it to {meant}."
            if meant in header:
                where, remedy = f"beside {meant!r}", "Keep one of the two."
            raise DataError(f"{name} has the column {_shown(given)} {where}: {_difference(given, meant)}.", remedy)
    missing = [column for column in schema.columns if column in needed and column not in header]
    extra = [column for column in header if column not in schema.columns]
    if missing:
        every = [column for column in schema.columns if column in needed]
        unknown = [column for column in extra if not _PANDAS_INDEX.fullmatch(column)]
        if len(missing) == len(every):  # the first line may be a row of data, which is not shown
            has = listed(header) if header else "none"
            instead = f" It has {has}." if typed else " Its first line must name the columns."
        else:
            instead = f" It has {listed(unknown)} instead." if unknown else ""
        what = f"{name} lacks the column {listed(missing)}.{instead}"
        raise ColumnsError(what, f"It must have {', '.join(every)}.", missing, unknown=False)
    if ignored:
        return
    for column in extra:
        if _PANDAS_INDEX.fullmatch(column):
            called = f"the column {_shown(column)}" if column else "a column without a name"
            raise DataError(
                f"{name} has {called}, which looks like an index that pandas wrote.",
                f"Write it without: df.to_{'parquet' if typed else 'csv'}(..., index=False), or remove the column.",
            )
    if extra:
        what = f"{name} has the column {listed(extra)}, which is not known."
        raise ColumnsError(what, f"Keep only {', '.join(schema.columns)}.", extra, unknown=True)


def check_carried(name: str, header: Sequence[str], carried: str) -> None:
    """Raise :class:`DataError` where a header does not have the column that is to be carried over, or has it more than once."""
    count = header.count(carried)
    if count != 1:
        what = (
            f"has the column {carried!r} {count} times" if count else f"lacks the column {carried!r} that is to be carried over"
        )
        raise DataError(f"{name} {what}.", f"Its columns are {listed(header)}.")


def listed(names: Sequence[str]) -> str:
    """Return the first of some names, quoted, and how many more there are."""
    shown = ", ".join(_shown(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _look(name: str) -> str:
    """Return what a reader sees of a name: letters, numbers and signs such as + and £, in any case and whatever is between."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    seen = "".join(each if each.isalnum() or _is_sign(each) else " " for each in plain)
    apart = re.sub(r"(?<=\d) +(?=\d)", "_", seen).replace(" ", "")
    return apart + "-" if plain.rstrip(" )]").endswith("-") else apart


def _is_sign(character: str) -> bool:
    return character in "%#&" or unicodedata.category(character) in ("Sm", "Sc")


def _difference(given: str, meant: str) -> str:
    strange = [character for character in given if not character.isalnum() and character not in meant]
    unseen = [unicodedata.name(character, f"U+{ord(character):04X}").lower() for character in strange]
    if unseen:
        words = {"space": "blank", "low line": "underscore", "zero width no-break space": "byte order mark"}
        word = words.get(unseen[0], unseen[0])
        return f"it holds {'an' if word[0] in 'aeiou' else 'a'} {word}"
    return "upper and lower case differ" if given.casefold() == meant.casefold() else "it is written in another way"


def _shown(name: str) -> str:
    """Return a name in quotes: letters as they are, and spelt out what cannot be seen or looks like something else."""
    seen = all(each.isalnum() or _is_sign(each) or " " <= each <= "~" for each in name)
    scripts = {unicodedata.name(each, "").partition(" ")[0] for each in name if each.isalpha()}
    plain = seen and len(scripts) <= 1 and unicodedata.normalize("NFKC", name) == name
    return repr(name[:40]) if plain else ascii(name[:40])
