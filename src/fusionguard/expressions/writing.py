"""Writes a tree as SQL that DuckDB and Spark run verbatim and alike."""

from __future__ import annotations

from fusionguard.expressions.tree import (
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
    SqlType,
)


def sql_of(node: Node) -> str:
    """Return the SQL of a tree; what is made of several parts stands between parentheses wherever it is a part itself."""
    match node:
        case Constant(value=value):
            return literal(value)
        case Column(name=name, cast=cast):
            return f"CAST({name} AS BIGINT)" if cast else name
        case Arithmetic(operator=operator, left=Arithmetic(operator=inner) as left, right=right) if _chained(inner, operator):
            return f"{sql_of(left)} {operator} {_part(right)}"  # a chain of many terms is no deeper than one of two
        case Arithmetic(operator=operator, left=left, right=right) | Comparison(operator=operator, left=left, right=right):
            return f"{_part(left)} {operator} {_part(right)}"
        case Negative(operand=operand):
            return f"-({sql_of(operand)})"
        case Logic(operator=operator, operands=operands):
            return f" {operator} ".join(_part(operand) for operand in operands)
        case Not(operand=operand):
            return f"NOT {_part(operand)}"
        case IsNull(operand=operand, negated=negated):
            return f"{_part(operand)} IS {'NOT ' if negated else ''}NULL"
        case In(operand=operand, values=values):
            return f"{_part(operand)} IN ({', '.join(literal(value) for value in values)})"
        case Case(whens=whens, default=default):
            branches = " ".join(f"WHEN {sql_of(condition)} THEN {sql_of(value)}" for condition, value in whens)
            return f"CASE {branches} ELSE {sql_of(default)} END"
        case Cast(type=kind, operand=operand):
            return f"CAST({sql_of(operand)} AS {'VARCHAR(20)' if kind is SqlType.VARCHAR else kind.value})"
        case _:
            name, operands = _call(node)
            return f"{name}({', '.join(sql_of(operand) for operand in operands)})"


def literal(value: float | str | bool | None) -> str:
    """Return a value as SQL: a number with a fraction as a DOUBLE, a text between quotes."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, int):
        return str(value) if INT_RANGE[0] < value <= INT_RANGE[1] else f"CAST({value} AS BIGINT)"
    digits = repr(value).replace("e+", "e")
    return digits if "e" in digits else f"{digits.removesuffix('.0')}e0"


def _chained(inner: str, outer: str) -> bool:
    """Return whether ``a inner b outer c`` is read from left to right."""
    return (inner in "+-") == (outer in "+-")


def _part(node: Node) -> str:
    text = sql_of(node)
    compound = isinstance(node, (Arithmetic, Comparison, Logic, Not, IsNull, In, Negative))
    negative = isinstance(node, Constant) and text.startswith("-")
    return f"({text})" if compound or negative else text


def _call(node: Node) -> tuple[str, tuple[Node, ...]]:
    match node:
        case Floor(operand=operand):
            return "FLOOR", (operand,)
        case Absolute(operand=operand):
            return "ABS", (operand,)
        case Coalesce(operands=operands):
            return "COALESCE", operands
        case Concat(operands=operands):
            return "CONCAT", operands
        case NullIf(operand=operand, value=value):
            return "NULLIF", (operand, value)
        case _:
            raise AssertionError(f"no SQL for {type(node).__name__}")
