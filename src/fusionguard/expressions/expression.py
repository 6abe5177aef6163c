"""One expression over the columns of a row, and the rows text that is many of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fusionguard.data.schema import ColumnType
from fusionguard.expressions.checking import Checker
from fusionguard.expressions.errors import ExpressionError
from fusionguard.expressions.grammar import Grammar
from fusionguard.expressions.row_code import RowFunction, row_function
from fusionguard.expressions.tree import Arithmetic, Column, Constant, Floor, Node, RawColumn, SqlType, raw_columns
from fusionguard.expressions.writing import sql_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Expression:
    """A value that is made of one row; :func:`parse_expression` makes one, :func:`parse_select` several."""

    node: Node
    available: tuple[str, ...]
    """The columns that it was read with, in their order."""
    position: int = 0
    """Where it begins in its text, in characters from 0."""

    @property
    def type(self) -> SqlType:
        """The type of its values."""
        return self.node.type

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, in the order they were given in."""
        used = {each.name for each in self.node.walk() if isinstance(each, Column)}
        return tuple(name for name in self.available if name in used)

    def sql(self) -> str:
        """Return it in the SQL that DuckDB and Spark run verbatim and alike; a DOUBLE's negative zero is zero."""
        text = sql_of(self.node)
        return f"{text} + 0e0" if self.type is SqlType.DOUBLE else text

    def number_sql(self) -> str:
        """Return a number in the same SQL, as a DOUBLE whatever it is; its negative zero is zero."""
        return self.sql() if self.type is SqlType.DOUBLE else f"CAST({sql_of(self.node)} AS DOUBLE) + 0e0"


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
    node = Grammar(checker, comments=False).whole_expression()
    if node.type is SqlType.NULL:
        raise ExpressionError(text, 0, "NULL alone", "Write an expression of columns.")
    if node.type is SqlType.BOOLEAN:
        raise ExpressionError(text, 0, "a condition is no feature", "Write CAST(condition AS INT), which is 1 or 0.")
    return Expression(node, tuple(columns))


def parse_select(text: str, columns: Mapping[str, RawColumn | ColumnType]) -> dict[str, Expression]:
    """Read ``SELECT expression AS name, ... FROM raw`` as a person wrote it beside a data set: each expression by its name.

    Every one is a number. As in :func:`parse_expression`, ``0.5`` is a DOUBLE and ``a / b`` is NULL where ``b`` is zero.

    Raises
    ------
    ExpressionError
        It is no such text, or one of its columns is no number; the error knows the place.
    """
    grammar = Grammar(Checker(text, raw_columns(columns), portable=False), comments=True)
    found = {name: Expression(node, tuple(columns), grammar.positions[name]) for name, node in grammar.rows_query().items()}
    for name, each in found.items():
        if not each.type.numeric:
            raise ExpressionError(
                text, each.position, f"'{name}' is {each.type.words}, and must be a number", _AS_NUMBERS[each.type]
            )
    return found


@dataclass(frozen=True)
class RowsText:
    """A text ``SELECT expression AS name, ... FROM raw``, read; :func:`parse_rows` makes one."""

    outputs: dict[str, Node]

    def row_function(self, columns: Sequence[str], outputs: Sequence[str]) -> RowFunction:
        """Compile the function that makes some outputs, in order, of a row's values in the order of ``columns``."""
        return row_function({name: self.outputs[name] for name in outputs}, columns)

    def table(self, columns: Mapping[str, NDArray[Any]], outputs: Sequence[str]) -> pa.Table:
        """Return some outputs of raw columns (n,), typed as the engines type them; see :mod:`column_code`."""
        import pyarrow as pa  # who only reads a text, such as a front door, waits for no arrays

        from fusionguard.expressions.column_code import column_values

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
    grammar = Grammar(checker, comments=True)
    outputs = grammar.rows_query()
    for name, node in outputs.items():
        place = grammar.positions[name]
        if isinstance(node, Column) and node.type is SqlType.BIGINT:
            raise ExpressionError(text, place, f"'{name}' is stored as INT or BIGINT", f"Write CAST({name} AS INT) AS {name}.")
        if node.type in (SqlType.BOOLEAN, SqlType.NULL):
            raise ExpressionError(text, place, f"'{name}' is {node.type.words}", "Write CAST(condition AS INT).")
        if node.type is SqlType.DOUBLE and any(isinstance(each, Floor) for each in node.walk()) and not _ends_in_zero(node):
            wrong = f"'{name}' keeps the sign of a zero that FLOOR gives in DuckDB and not in Spark"
            raise ExpressionError(text, place, wrong, "Write + 0e0 behind it.")
    return RowsText(outputs)


_AS_NUMBERS = {
    SqlType.VARCHAR: "Write CASE WHEN x = 'a' THEN 1 ELSE 0 END.",
    SqlType.BOOLEAN: "Write CAST(condition AS INT), which is 1 or 0.",
    SqlType.NULL: "Write an expression of columns.",
}
"""What makes a number of what is none."""


def _ends_in_zero(node: Node) -> bool:
    return isinstance(node, Arithmetic) and node.operator == "+" and node.right == Constant(SqlType.DOUBLE, False, 0.0)
