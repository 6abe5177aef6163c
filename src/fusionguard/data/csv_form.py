"""How a CSV file is written: what separates its columns, and how its numbers look."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from fusionguard.errors import DataError

if TYPE_CHECKING:  # who only asks how a file is written needs no Arrow
    import pyarrow as pa

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LINES_COMPARED = 20
_SIGN = r"[$€£¥₹₺₽]|\b[A-Z]{3}\b"


@dataclass(frozen=True)
class CsvForm:
    """How a CSV file is written.

    Parameters
    ----------
    separator
        What separates columns; None where it is found in the file.
    decimal, thousands
        What stands in numbers before decimals and, where anything does, between thousands.
    signs
        What may stand before or behind a number, such as a currency's sign.
    encoding
        Of the text: ``utf-8`` or ``windows-1252``.
    declared
        Whether a declaration says all this, in which case messages say what would have to be written there.
    """

    separator: str | None = ","
    decimal: str = "."
    thousands: str = ""
    signs: tuple[str, ...] = ()
    declared: bool = False
    encoding: str = "utf-8"

    @property
    def utf8_remedy(self) -> str:
        """What to do with a file that should be UTF-8 text and is not."""
        if not self.declared:
            return "Save it as UTF-8."
        return "Save it as UTF-8 or, where it is of Windows, write `csv: {encoding: windows-1252}` into the declaration."

    @property
    def is_plain(self) -> bool:
        """Whether numbers are written as every reader expects them."""
        return self.decimal == "." and not self.thousands and not self.signs

    @cached_property
    def _pattern(self) -> str:
        sign = "|".join(re.escape(each) for each in self.signs)
        before, behind = (rf"(?:(?:{sign})\s*)?", rf"(?:\s*(?:{sign}))?") if sign else ("", "")
        grouped = rf"[0-9]{{1,3}}(?:{re.escape(self.thousands)}[0-9]{{3}})+|" if self.thousands else ""
        point = re.escape(self.decimal)
        number = rf"(?:(?:{grouped}[0-9]+)(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]{{1,4}})?"
        return rf"^\s*[+-]?{before}[+-]?{number}{behind}\s*$"

    def plain_numbers(self, texts: pa.Array) -> pa.Array:
        """Return texts with numbers written plainly, ``1234.5``; a text that is no number in this form is left as it is."""
        import pyarrow.compute as pc

        plain = texts
        for unwanted in (*self.signs, self.thousands):
            plain = pc.replace_substring(plain, unwanted, "") if unwanted else plain
        plain = pc.replace_substring(pc.replace_substring_regex(plain, r"\s", ""), self.decimal, ".")
        return pc.if_else(pc.match_substring_regex(texts, self._pattern), plain, texts)

    def is_number(self, text: str) -> bool:
        """Tell whether a text is a number in this form."""
        return re.fullmatch(self._pattern.strip("^$"), text, re.ASCII) is not None

    def all_numbers(self, texts: pa.Array) -> bool:
        """Tell whether all texts are numbers in this form, or nothing."""
        import pyarrow.compute as pc

        return pc.all(pc.match_substring_regex(texts, self._pattern)).as_py() is not False


def number_remedy(text: str, form: CsvForm) -> str:
    """Say what a declaration needs so that a text can be read as a number, or what of the text is not as the declared form says.

    Nothing is said where neither is to be seen. The text is not shown.
    """
    bare = text
    for sign in form.signs:
        bare = bare.replace(sign, "")
    if found := re.search(_SIGN, bare):
        return f'If signs belong to the numbers, write `csv: {{signs: ["{found[0]}"]}}` into the declaration, else remove them.'
    number = re.sub(r"^[+-]", "", bare.strip())
    if number.endswith("%"):
        return 'If all its numbers are per cent, write `csv: {signs: ["%"]}` into the declaration.'
    if form.decimal == "." and re.fullmatch(r"([0-9]{1,3}(\.[0-9]{3})+|[0-9]+),[0-9]+", number):
        return 'If commas begin the decimals, write `csv: {decimal: ","}` into the declaration.'
    grouped = r"[0-9]{1,3}([ ,'][0-9]{3})+(\.[0-9]*)?" if form.decimal == "." else r"[0-9]{1,3}([ .'][0-9]{3})+(,[0-9]*)?"
    if not form.thousands and re.fullmatch(grouped, number):
        return "If thousands are set apart, write `csv: {thousands: ...}` with what stands between them into the declaration."
    if form.decimal == "," and re.fullmatch(r"[0-9][0-9,]*\.[0-9]*", number):
        return 'The declaration says `csv: {decimal: ","}`, and a point begins the decimals here: write a comma, or correct that.'
    return ""


def find_separator(name: str, text: str, columns: Collection[str] = ()) -> str:
    """Return what separates the columns of a file that begins with ``text``: most columns, as many in the header as below it.

    Parameters
    ----------
    columns
        Where two would do, that one is meant by which the header has such columns; without any, the one that makes more.

    Raises
    ------
    DataError
        Two would do, and these columns do not tell which.
    """
    lines = text.splitlines()[: _LINES_COMPARED + 1]
    whole = lines[:-1] if len(lines) > 2 else lines  # the last one may be cut
    rows = {separator: [cells for cells in csv.reader(whole, delimiter=separator) if cells] for separator in SEPARATORS}

    def count(separator: str) -> tuple[bool, int]:
        counts = [len(cells) for cells in rows[separator]]
        return (len(set(counts)) == 1, counts[0]) if counts and counts[0] > 1 else (False, 0)

    likely = [separator for separator in SEPARATORS if count(separator)[0]]
    if columns and len(likely) > 1:
        meant = [separator for separator in likely if {*rows[separator][0]} & {*columns}]
        if len(meant) != 1:
            words = " or ".join(SEPARATORS[each] for each in meant or likely)
            raise DataError(f"{name} may be separated by {words}.", "Say by which: write `csv: {separator: ...}`.")
        return meant[0]
    return max(SEPARATORS, key=count)
