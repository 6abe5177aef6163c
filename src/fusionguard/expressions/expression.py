"""One expression over the columns of a row, and the rows text that is many of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from fusionguard.data.schema import ColumnType
from fusionguard.expressions.checking import Checker
from fusionguard.expressions.column_code import column_values
from fusionguard.expressions.errors import ExpressionError
from fusionguard.expressions.grammar import Grammar
from fusionguard.expressions.row_code import RowFunction, row_function
from fusionguard.expressions.tree import Arithmetic, Column, Constant, Floor, Node, RawColumn, SqlType, raw_columns
from fusionguard.expressions.writing import sql_of


@dataclass(frozen=True)
class Expression:
    """A value that is made of one row; :func:`parse_expression` makes one."""

    node: Node
    available: tuple[str, ...]
    """The columns that it was read with, in their order."""

    @property
    def type(self) -> SqlType:
        """The type of its values."""
        return self.node.type

    @property
    def nullable(self) -> bool:
        """Whether it may be NULL: because a column is missing, or a divisor zero."""
        return self.node.nullable

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, in the order they were given in."""
        used = {each.name for each in self.node.walk() if isinstance(each, Column)}
        return tuple(name for name in self.available if name in used)

    def sql(self) -> str:
        """Return it in the SQL that DuckDB and Spark run verbatim and alike; a DOUBLE's negative zero is zero."""
        text = sql_of(self.node)
        return f"{text} + 0e0" if self.type is SqlType.DOUBLE else text

    def function(self) -> Callable[[Mapping[str, Any]], Any]:
        """Return the function that makes the value of one row, given by name with None where it is missing.

        It raises :class:`RowError` for a row whose value an engine refuses, such as an integer that leaves its type's range.
        """
        columns = self.columns
        make = row_function({"value": _finished(self.node)}, columns)
        return lambda row: make([row[name] for name in columns])[0]


def parse_expression(text: str, columns: Mapping[str, RawColumn | ColumnType]) -> Expression:
    """Read an expression such as ``amount / (income + 1)``.

    Parameters
    ----------
    columns
        What it may name: a :class:`RawColumn`, or ``float``, ``integer`` or ``text`` for one that is never missing.

    Raises
    ------
    ExpressionError
        It is none, names something unknown, or mixes texts and numbers; the error knows the place.
    """
    checker = Checker(text, raw_columns(columns), portable=False)
    node = Grammar(checker).whole_expression()
    if node.type is SqlType.NULL:
        raise ExpressionError(text, 0, "NULL alone", "Write an expression of columns.")
    if node.type is SqlType.BOOLEAN:
        raise ExpressionError(text, 0, "a condition is no feature", "Write CAST(condition AS INT), which is 1 or 0.")
    return Expression(node, tuple(columns))


@dataclass(frozen=True)
class RowsText:
    """A text ``SELECT expression AS name, ... FROM raw``, read; :func:`parse_rows` makes one."""

    outputs: dict[str, Node]

    def row_function(self, columns: Sequence[str], outputs: Sequence[str]) -> RowFunction:
        """Compile the function that makes some outputs, in order, of a row's values in the order of ``columns``."""
        return row_function({name: self.outputs[name] for name in outputs}, columns)

    def table(self, columns: Mapping[str, NDArray[Any]], outputs: Sequence[str]) -> pa.Table:
        """Return some outputs of raw columns (n,), typed as the engines type them; see :func:`column_values`."""
        arrays = {}
        for name in outputs:
            found = column_values(name, self.outputs[name], columns)
            kind = pa.type_for_alias(self.outputs[name].type.arrow)
            arrays[name] = pa.array(found.data, kind, mask=found.missing)
        return pa.table(arrays)

    def columns_of(self, outputs: Sequence[str]) -> set[str]:
        """Return the raw columns that some outputs read."""
        return {each.name for name in outputs for each in self.outputs[name].walk() if isinstance(each, Column)}


def parse_rows(text: str, columns: Mapping[str, RawColumn | ColumnType]) -> RowsText:
    """Read the rows text of a data set; the engines run it as it stands.

    Raises
    ------
    ExpressionError
        It is outside of what both engines and the service understand alike.
    """
    checker = Checker(text, raw_columns(columns), portable=True)
    outputs = Grammar(checker).rows_query()
    for name, node in outputs.items():
        if isinstance(node, Column) and node.type is SqlType.BIGINT:
            raise ExpressionError(text, 0, f"'{name}' is stored as INT or BIGINT", f"Write CAST({name} AS INT) AS {name}.")
        if node.type in (SqlType.BOOLEAN, SqlType.NULL):
            raise ExpressionError(text, 0, f"'{name}' is {node.type.words}", "Write CAST(condition AS INT).")
        if node.type is SqlType.DOUBLE and any(isinstance(each, Floor) for each in node.walk()) and not _ends_in_zero(node):
            wrong = f"'{name}' keeps the sign of a zero that FLOOR gives in DuckDB and not in Spark"
            raise ExpressionError(text, 0, wrong, "Write + 0e0 behind it.")
    return RowsText(outputs)


def _finished(node: Node) -> Node:
    if node.type is not SqlType.DOUBLE:
        return node
    return Arithmetic(SqlType.DOUBLE, node.nullable, "+", node, Constant(SqlType.DOUBLE, False, 0.0))


def _ends_in_zero(node: Node) -> bool:
    return isinstance(node, Arithmetic) and node.operator == "+" and node.right == Constant(SqlType.DOUBLE, False, 0.0)
