"""The lines of a drafted declaration: values as YAML has them, and comments that fit a terminal of 80 columns."""

from __future__ import annotations

import json
import re
import textwrap
import unicodedata
from collections.abc import Iterator
from typing import Any

import yaml

from fusionguard.datasets.inspection.profile import Column

_WIDTH = 80
_AT = 30
"""The column from which reasons are written."""


def noted(line: str, note: str) -> str:
    """Return a line with a comment behind it, which goes on below where it is long."""
    short = f"{line:{_AT - 1}} # {one_line(note)}"
    if len(short) <= _WIDTH:
        return short
    first, *more = textwrap.wrap(one_line(note), _WIDTH - _AT - 2, break_on_hyphens=False)
    fits = len(line) < _AT
    rest = more if fits else [first, *more]
    return "\n".join([f"{line:{_AT - 1}} # {first}" if fits else line, *(f"{'':{_AT}}# {each}" for each in rest)])


def comment(text: str) -> Iterator[str]:
    """Wrap a comment, the lines after the first set in."""
    line = "#"
    for word in one_line(text).split(" "):
        if len(line) + len(word) + 1 > _WIDTH:
            yield line
            line = "#  "
        line += f" {word}"
    yield line


def one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def scalar(text: str) -> str:
    """Return a name as YAML has it: plain where it reads back as the same text, else in quotes."""
    plain = re.fullmatch(r"[^\W\d][\w .-]*", text) is not None and text == text.strip()
    return text if plain and yaml.safe_load(text) == text else json.dumps(text, ensure_ascii=False)


def cell(column: Column, text: str) -> str:
    """Return a value of the label as YAML: a number or a boolean where the column holds such, else a text."""
    if column.form.kind == "number":
        number: Any = float(text)
        return str(int(number)) if number.is_integer() else repr(number)
    if column.form.kind == "boolean":
        return "1" if text.lower() == "true" else "0"  # as they are read
    return scalar(text)


def dataset_name(file: str) -> str:
    """Return the name of a data set that a file of this name holds."""
    plain = unicodedata.normalize("NFKD", file.partition(".")[0]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_-]+", "_", plain).strip("_-")[:40] or "my_table"
