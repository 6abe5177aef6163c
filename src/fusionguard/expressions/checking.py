"""What fits what: makes the nodes of a tree, with their types, or says what does not fit and where.

There are two manners of reading. A *rows* text is run by the engines as it stands, so it must be portable as it stands. An
expression that a person wrote beside a data set is written anew for the engines, so it may be plainer: ``0.5`` is a DOUBLE,
``a / b`` is NULL where ``b`` is zero, an integer column is a BIGINT.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fusionguard.data.schema import ColumnType
from fusionguard.errors import did_you_mean
from fusionguard.expressions.errors import ExpressionError
from fusionguard.expressions.tokens import Token
from fusionguard.expressions.tree import (
    BIGINT_RANGE,
    INT_RANGE,
    Absolute,
    Arithmetic,
    Case,
    Cast,
    Coalesce,
    Column,
    Comparison,
    Concat,
    Constant,
    Floor,
    In,
    IsNull,
    Logic,
    Negative,
    Node,
    Not,
    NullIf,
    RawColumn,
    SqlType,
    is_whole,
)

_RAW_TYPES: dict[ColumnType, SqlType] = {"float": SqlType.DOUBLE, "integer": SqlType.BIGINT, "text": SqlType.VARCHAR}


@dataclass(frozen=True)
class Checker:
    """Makes nodes for one text.

    Parameters
    ----------
    text
        What is read, for messages.
    columns
        What it may name.
    portable
        Whether the engines run the text as it stands.
    """

    text: str
    columns: Mapping[str, RawColumn]
    portable: bool

    def error(self, token: Token, wrong: str, right: str = "") -> ExpressionError:
        """Return the error that says what is wrong at a word."""
        return ExpressionError(self.text, token.position, wrong, right)

    def column(self, token: Token) -> Node:
        """Make a column of its name."""
        raw = self.columns.get(token.value)
        if raw is None:
            near = did_you_mean(token.value, self.columns)
            raise self.error(token, f"there is no column '{token.value}'", f"{near}Columns: {', '.join(self.columns) or 'none'}.")
        return Column(_RAW_TYPES[raw.kind], raw.missing, token.value, cast=raw.kind == "integer" and not self.portable)

    def number(self, token: Token) -> Node:
        """Make a number of its digits."""
        if token.kind == "integer":
            whole = int(token.value)
            if whole > BIGINT_RANGE[1]:
                raise self.error(token, f"{token.value} is larger than an integer can be", f"Write {whole:e}.")
            return Constant(SqlType.INT if whole <= INT_RANGE[1] else SqlType.BIGINT, False, whole)
        value = float(token.value)
        if value == float("inf"):
            raise self.error(token, f"{token.value} is larger than a number can be", "The largest is 1.7976931348623157e308.")
        if token.kind == "decimal" and self.portable:
            raise self.error(token, f"{token.value} is a DECIMAL to the engines", f"Write {token.value}e0.")
        return Constant(SqlType.DOUBLE, False, value)

    def arithmetic(self, token: Token, left: Node, right: Node) -> Node:
        """Make ``left token right``."""
        for side in (left, right):
            self._number(token, side, f"'{token.value}'")
            if self.portable and isinstance(side, Column) and side.type.integer:
                wrong = f"'{side.name}' is stored as INT or BIGINT, and overflows accordingly"
                raise self.error(token, wrong, f"Write CAST({side.name} AS BIGINT).")
        integers = left.type.integer and right.type.integer
        kind = SqlType.DOUBLE if token.value == "/" or not integers else _wider(left.type, right.type)
        if token.value in ("/", "%") and isinstance(right, Constant) and right.value == 0:
            raise self.error(token, f"'{token.value}' by zero", "Divide by something that is not zero.")
        if token.value in ("/", "%") and not isinstance(right, Constant) and not self.portable:
            zero = Constant(SqlType.INT, False, 0) if right.type.integer else Constant(SqlType.DOUBLE, False, 0.0)
            right = NullIf(right.type, True, right, zero)
        nullable = left.nullable or right.nullable
        return Arithmetic(kind, nullable, token.value, left, right)  # type: ignore[arg-type]

    def negative(self, token: Token, operand: Node) -> Node:
        """Make ``-operand``."""
        self._number(token, operand, "'-'")
        if isinstance(operand, Constant) and operand.value is not None:
            return Constant(operand.type, False, -operand.value)  # type: ignore[operator]
        if operand.type is SqlType.DOUBLE:
            return Negative(operand.type, operand.nullable, operand)
        if self.portable:
            raise self.error(token, "the engines disagree about the largest of '-' before an integer", "Write 0 - x.")
        return Arithmetic(operand.type, operand.nullable, "-", Constant(SqlType.INT, False, 0), operand)

    def comparison(self, token: Token, left: Node, right: Node) -> Node:
        """Make ``left token right``."""
        for side in (left, right):
            if side.type in (SqlType.BOOLEAN, SqlType.NULL):
                right_way = "Write x IS NULL." if side.type is SqlType.NULL else "Write the condition alone, or NOT condition."
                raise self.error(token, f"'{token.value}' does not compare {side.type.words}", right_way)
        if (left.type is SqlType.VARCHAR) != (right.type is SqlType.VARCHAR):
            raise self.error(token, "a text is compared with a number", "Compare texts with texts, numbers with numbers.")
        operator = "<>" if token.value == "!=" else token.value
        if left.type is SqlType.VARCHAR and operator not in ("=", "<>"):
            raise self.error(token, "texts have no order here", "Compare them with = or <>, or write x IN ('a', 'b').")
        return Comparison(SqlType.BOOLEAN, left.nullable or right.nullable, operator, left, right)  # type: ignore[arg-type]

    def logic(self, token: Token, operands: Sequence[Node]) -> Node:
        """Join conditions by AND or OR."""
        for operand in operands:
            self.condition(token, operand)
        nullable = any(operand.nullable for operand in operands)
        return Logic(SqlType.BOOLEAN, nullable, token.value.upper(), tuple(operands))  # type: ignore[arg-type]

    def negation(self, token: Token, operand: Node) -> Node:
        """Make ``NOT operand``."""
        return Not(SqlType.BOOLEAN, self.condition(token, operand).nullable, operand)

    def is_null(self, operand: Node, *, negated: bool) -> Node:
        """Make ``operand IS [NOT] NULL``."""
        return IsNull(SqlType.BOOLEAN, False, operand, negated)

    def membership(self, token: Token, operand: Node, values: Sequence[Node]) -> Node:
        """Make ``operand IN (values)``."""
        if operand.type is not SqlType.VARCHAR and not operand.type.integer:
            raise self.error(token, f"IN does not look for {operand.type.words}", "Look for texts or integers.")
        for value in values:
            if not isinstance(value, Constant) or (value.type is SqlType.VARCHAR) != (operand.type is SqlType.VARCHAR):
                raise self.error(token, f"IN looks for {operand.type.words} among other things", "List literals of one kind.")
        return In(SqlType.BOOLEAN, operand.nullable, operand, tuple(value.value for value in values))  # type: ignore[attr-defined]

    def case(self, token: Token, whens: Sequence[tuple[Node, Node]], default: Node | None) -> Node:
        """Make ``CASE WHEN ... THEN ... ELSE ... END``."""
        for condition, _ in whens:
            self.condition(token, condition)
        default = default or Constant(SqlType.NULL, True, None)
        kind = self._common(token, [*(value for _, value in whens), default], "the branches of CASE")
        nullable = default.nullable or any(value.nullable for _, value in whens)
        return Case(kind, nullable, tuple(whens), default)

    def cast(self, token: Token, operand: Node, kind: SqlType) -> Node:
        """Make ``CAST(operand AS kind)``."""
        given = operand.type
        if given is SqlType.NULL:
            raise self.error(token, "CAST of a bare NULL", "Write CASE WHEN condition THEN x END, which is NULL elsewhere.")
        if kind.integer and given is SqlType.DOUBLE and not is_whole(operand):
            wrong = "DuckDB rounds a fraction that is cast to an integer, Spark cuts it off"
            raise self.error(token, wrong, f"Write CAST(FLOOR(x) AS {kind.value}), or FLOOR(x + 5e-1) to round.")
        readable = {
            SqlType.INT: given.numeric or given is SqlType.BOOLEAN,
            SqlType.BIGINT: given.numeric or given is SqlType.BOOLEAN,
            SqlType.DOUBLE: given.numeric,
            SqlType.VARCHAR: given.integer or given is SqlType.VARCHAR,
        }
        if not readable[kind]:
            raise self.error(token, f"CAST does not make {given.words} a {kind.value}", _CAST_REMEDIES.get((given, kind), ""))
        return Cast(kind, operand.nullable, operand)

    def call(self, token: Token, operands: Sequence[Node]) -> Node:
        """Make a call of one of ``FUNCTIONS``."""
        name = token.value.upper()
        if name not in FUNCTIONS:
            wrong, right = f"there is no function '{token.value}'", f"Functions: {', '.join(sorted([*FUNCTIONS, 'CAST']))}."
            raise self.error(token, wrong, did_you_mean(name, FUNCTIONS) + _FUNCTION_REMEDIES.get(name, "") + right)
        least, most, make = FUNCTIONS[name]
        if not least <= len(operands) <= most:
            count = str(least) if least == most else f"{least} or more"
            raise self.error(token, f"{name} takes {count} arguments, not {len(operands)}")
        return make(self, token, operands)

    def condition(self, token: Token, operand: Node) -> Node:
        """Return a condition; refuse anything else."""
        if operand.type is not SqlType.BOOLEAN:
            raise self.error(token, f"{operand.type.words} stands where a condition should", "Compare it: x > 0, x = 'a'.")
        return operand

    def _number(self, token: Token, operand: Node, user: str) -> None:
        if not operand.type.numeric:
            named = f"'{operand.name}' is " if isinstance(operand, Column) else ""
            right = {
                SqlType.VARCHAR: "Make a number of it: CASE WHEN x = 'a' THEN 1 ELSE 0 END.",
                SqlType.BOOLEAN: "Make a number of it: CAST(condition AS INT).",
                SqlType.NULL: "",
            }[operand.type]
            raise self.error(token, f"{named}{operand.type.words}, and {user} takes numbers", right)

    def _common(self, token: Token, operands: Sequence[Node], what: str) -> SqlType:
        """Return the type that all of some values have or widen to."""
        kinds = [operand.type for operand in operands if operand.type is not SqlType.NULL]
        if not kinds:
            raise self.error(token, f"{what} are all NULL")
        if any(kind.numeric != kinds[0].numeric or (not kind.numeric and kind is not kinds[0]) for kind in kinds):
            raise self.error(token, f"{what} are of different kinds", "Give all numbers, or all texts.")
        if self.portable and SqlType.BIGINT in kinds and any(isinstance(each, Column) and each.type.integer for each in operands):
            raise self.error(token, f"{what} read a column that is stored as INT or BIGINT", "Write CAST(x AS BIGINT).")
        common: SqlType = kinds[0]
        for kind in kinds[1:]:
            common = _wider(common, kind)
        return common

    def _floor(self, token: Token, operands: Sequence[Node]) -> Node:
        (operand,) = operands
        self._number(token, operand, "FLOOR")
        if operand.type.integer:
            if self.portable:
                raise self.error(token, "FLOOR of an integer is a DOUBLE in DuckDB and a BIGINT in Spark", "Leave FLOOR out.")
            operand = Cast(SqlType.DOUBLE, operand.nullable, operand)
        return Floor(SqlType.DOUBLE, operand.nullable, operand)

    def _absolute(self, token: Token, operands: Sequence[Node]) -> Node:
        (operand,) = operands
        self._number(token, operand, "ABS")
        return Absolute(operand.type, operand.nullable, operand)

    def _concat(self, token: Token, operands: Sequence[Node]) -> Node:
        for operand in operands:
            if operand.type is not SqlType.VARCHAR:
                raise self.error(token, f"CONCAT joins texts, not {operand.type.words}", "Write CAST(x AS VARCHAR(20)).")
            if operand.nullable:
                wrong = "CONCAT with a text that may be missing skips it in DuckDB and is NULL in Spark"
                raise self.error(token, wrong, "Write COALESCE(x, '').")
        return Concat(SqlType.VARCHAR, False, tuple(operands))

    def _coalesce(self, token: Token, operands: Sequence[Node]) -> Node:
        kind = self._common(token, operands, "the arguments of COALESCE")
        return Coalesce(kind, all(operand.nullable for operand in operands), tuple(operands))

    def _null_if(self, token: Token, operands: Sequence[Node]) -> Node:
        operand, value = operands
        self.comparison(Token("sign", "=", token.position), operand, value)
        if operand.type.numeric and operand.type is not _wider(operand.type, value.type):
            raise self.error(token, "NULLIF compares with a number of a wider type", "Write a number of the first one's type.")
        return NullIf(operand.type, True, operand, value)


_Make = Callable[[Checker, Token, Sequence[Node]], Node]
_MANY = 100
FUNCTIONS: dict[str, tuple[int, int, _Make]] = {
    "ABS": (1, 1, Checker._absolute),
    "COALESCE": (2, _MANY, Checker._coalesce),
    "CONCAT": (2, _MANY, Checker._concat),
    "FLOOR": (1, 1, Checker._floor),
    "NULLIF": (2, 2, Checker._null_if),
}
"""The functions there are besides CAST: their fewest and most arguments, and what makes a call of them."""

_FUNCTION_REMEDIES = {
    **dict.fromkeys(("ROUND", "TRUNC", "CEIL", "CEILING"), "The engines differ in it; write FLOOR(x + 0.5) to round. "),
    **dict.fromkeys(("EXP", "LN", "LOG", "POWER", "POW", "SIN", "COS"), "Its last bit depends on the machine. "),
    **dict.fromkeys(("IF", "IIF", "IFF"), "Write CASE WHEN condition THEN x ELSE y END. "),
    **dict.fromkeys(("IFNULL", "NVL"), "Write COALESCE(x, y). "),
}
_CAST_REMEDIES = {
    (SqlType.DOUBLE, SqlType.VARCHAR): "The engines write numbers differently; make it an integer first.",
    (SqlType.BOOLEAN, SqlType.DOUBLE): "Write CAST(condition AS INT).",
}


def _wider(first: SqlType, second: SqlType) -> SqlType:
    order = [SqlType.INT, SqlType.BIGINT, SqlType.DOUBLE]
    if first not in order or second not in order:
        return first
    return max(first, second, key=order.index)
