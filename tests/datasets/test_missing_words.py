"""Words in a column of numbers are refused with what to declare where they mean that nothing is known."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from fusionguard.datasets.faults import ContradictionError
from fusionguard.datasets.reading import parse_declaration
from fusionguard.datasets.resolving import resolve

MANY = [*(f"word {number}" for number in range(7)), "word 1"]


@pytest.mark.parametrize(
    ("column", "settings", "cells", "told"),
    [
        (
            "km",
            "",
            ["1", " n/a", "NULL", "n/a", "5"],
            'holds text in row 1 (" n/a"); 3 such rows. '
            "3 cells hold 'n/a' or 'NULL'; if nothing is known there, write "
            '`missing: allow, missing_values: ["n/a", "NULL"]`.',
        ),
        (
            "km",
            "missing: allow, missing_values: [-9]",
            ["1", "-", "x", "-9", "5"],
            'holds text in row 1 ("-"); 2 such rows. '
            "One cell holds '-'; if nothing is known there, write `missing_values: [-9, \"-\"]`.",
        ),
        (
            "km",
            "",
            ["1", "tbd", "tbd", "4", "tbd"],
            'holds text in row 1 ("tbd"); 3 such rows. '
            "If such words mean that nothing is known, list them: `missing: allow, missing_values: [...]`.",
        ),
        (
            "phone number",
            "",
            ["1", "unknown", "3", "unknown", "5"],
            "holds text in row 1; 2 such rows. "
            "2 cells hold what often means that nothing is known; if it does, list it: `missing: allow, missing_values: [...]`.",
        ),
        ("km", "", ["1", *MANY], 'holds text in row 1 ("word 0"); 8 such rows'),
        ("km", "", ["1", "2", "Hargrave", "4"], "holds text in row 2"),
    ],
)
def test_a_refusal_says_what_to_declare(column: str, settings: str, cells: list[Any], told: str) -> None:
    text = f"version: 1\nname: t\nproblem: fraud\nlabel: y\nnumeric: {{{column}: {{{settings}}}}}\n"
    table = pa.table({"y": [1, *[0] * (len(cells) - 1)], column: cells})
    with pytest.raises(ContradictionError) as caught:
        resolve(parse_declaration(text), table)
    (fault,) = caught.value.faults
    place = f'"{column}"' if " " in column else column
    assert fault.what == f"numeric.{place} {told}"


def test_what_is_written_there_holds() -> None:
    text = 'version: 1\nname: t\nproblem: fraud\nlabel: y\nnumeric: {km: {missing: allow, missing_values: ["n/a", "NULL"]}}\n'
    table = pa.table({"y": [1, 0, 0, 0], "km": ["1", " n/a", "NULL", "7"]})
    found = resolve(parse_declaration(text), table).columns["km"]
    assert (found.missing_rows, found.range) == (2, (1.0, 7.0))
