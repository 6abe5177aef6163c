"""Random expressions over a table of hostile values."""

from __future__ import annotations

import random

import pyarrow as pa

from fusionguard.expressions.tree import RawColumn

COLUMNS = {
    "a": RawColumn("float"),
    "b": RawColumn("float"),
    "m": RawColumn("float", missing=True),
    "i": RawColumn("integer"),
    "j": RawColumn("integer"),
    "k": RawColumn("integer", missing=True),
    "t": RawColumn("text"),
    "u": RawColumn("text", missing=True),
}
_DOUBLES = (0.0, -0.0, 5e-324, -1.5, 0.285, 2.5, 100.0, -86_400.0, 1e15, 9.3e18, -1e300, 1.7976931348623157e308, 3_599.999999999)
_INTEGERS = (0, 1, -1, 7, 59, -60, 2**31 - 1, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63))
_EXACT = tuple(value for value in _INTEGERS if abs(value) <= 2**53)
"""What a column of floats, in which NaN is missing, can hold."""
_TEXTS = ("", "a", "b", "it's", "Ä", "a ", "NULL", "0")


def hostile_table(rows: int, seed: int) -> pa.Table:
    """Rows of such columns; a third of what may be missing is."""
    draw = random.Random(seed)
    values = {"float": _DOUBLES, "integer": _INTEGERS, "text": _TEXTS}
    types = {"float": pa.float64(), "integer": pa.int64(), "text": pa.string()}
    columns = {}
    for name, column in COLUMNS.items():
        cells = [
            None if column.missing and draw.random() < 1 / 3 else draw.choice(_EXACT if name == "k" else values[column.kind])
            for _ in range(rows)
        ]
        columns[name] = pa.array(cells, types[column.kind])
    return pa.table(columns)


class RandomText:
    """Writes expressions as a person would."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def feature(self) -> str:
        """A number, an integer or a text."""
        return self._random.choice((self.double, self.double, self.integer, self.text))(3)

    def double(self, depth: int) -> str:
        if depth == 0:
            return self._random.choice(("a", "b", "m", "0.5", "1e3", "-2.0", "a", "b"))
        return self._random.choice(
            (
                lambda: f"({self.double(depth - 1)} {self._random.choice('+-*/%')} {self.any_number(depth - 1)})",
                lambda: f"({self.double(depth - 1)} {self._random.choice('+-*/%')} {self.double(depth - 1)})",
                lambda: f"FLOOR({self.double(depth - 1)})",
                lambda: f"ABS({self.double(depth - 1)})",
                lambda: f"-({self.double(depth - 1)})",
                lambda: f"COALESCE({self.double(depth - 1)}, {self.any_number(depth - 1)})",
                lambda: f"NULLIF({self.double(depth - 1)}, {self.double(depth - 1)})",
                lambda: (
                    f"CASE WHEN {self.condition(depth - 1)} THEN {self.any_number(depth - 1)} ELSE {self.double(depth - 1)} END"
                ),
                lambda: f"({self.integer(depth - 1)} / {self.integer(depth - 1)})",
                lambda: f"CAST({self.integer(depth - 1)} AS DOUBLE)",
            )
        )()

    def integer(self, depth: int) -> str:
        if depth == 0:
            return self._random.choice(("i", "j", "k", "3", "-1", "CAST(7 AS INT)"))
        return self._random.choice(
            (
                lambda: f"({self.integer(depth - 1)} {self._random.choice('+-*%')} {self.integer(depth - 1)})",
                lambda: f"CAST(FLOOR({self.double(depth - 1)}) AS {self._random.choice(('INT', 'BIGINT'))})",
                lambda: f"CAST(FLOOR({self.double(depth - 1)}) % 100 AS INT)",
                lambda: f"CAST({self.integer(depth - 1)} AS INT)",
                lambda: f"CAST({self.condition(depth - 1)} AS INT)",
                lambda: f"CASE WHEN {self.condition(depth - 1)} THEN {self.integer(depth - 1)} END",
                lambda: f"COALESCE({self.integer(depth - 1)}, 0)",
                lambda: f"ABS({self.integer(depth - 1)})",
                lambda: f"-{self.integer(0).replace('-', '')}",
            )
        )()

    def any_number(self, depth: int) -> str:
        return self._random.choice((self.double, self.integer))(depth)

    def text(self, depth: int) -> str:
        if depth == 0:
            return self._random.choice(("t", "'it''s'", "COALESCE(u, '')", "'a'"))
        return self._random.choice(
            (
                lambda: f"CONCAT({self.text(depth - 1)}, {self.text(depth - 1)})",
                lambda: f"CONCAT(t, COALESCE(CAST({self.integer(depth - 1)} AS VARCHAR), '?'))",
                lambda: f"CASE WHEN {self.condition(depth - 1)} THEN {self.text(depth - 1)} ELSE 'other' END",
            )
        )()

    def condition(self, depth: int) -> str:
        compare = self._random.choice(("=", "<>", "<", "<=", ">", ">="))
        if depth == 0:
            return self._random.choice(
                (f"a {compare} b", f"i {compare} a", f"m {compare} 0", "u IS NULL", "u = t", "u IN ('a', '')")
            )
        return self._random.choice(
            (
                lambda: f"{self.double(depth - 1)} {compare} {self.any_number(depth - 1)}",
                lambda: f"{self.integer(depth - 1)} {compare} {self.integer(depth - 1)}",
                lambda: f"({self.condition(depth - 1)} AND {self.condition(depth - 1)})",
                lambda: f"({self.condition(depth - 1)} OR {self.condition(depth - 1)})",
                lambda: f"NOT ({self.condition(depth - 1)})",
                lambda: f"{self.any_number(depth - 1)} IS {self._random.choice(('', 'NOT '))}NULL",
                lambda: f"{self.integer(depth - 1)} {self._random.choice(('', 'NOT '))}IN (1, -1, 7)",
            )
        )()
