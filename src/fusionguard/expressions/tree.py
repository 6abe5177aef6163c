"""The tree that an expression is read into: nodes whose types are known, made by :mod:`checking` alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Literal

from fusionguard.data.schema import ColumnType

INT_RANGE = (-(2**31), 2**31 - 1)
BIGINT_RANGE = (-(2**63), 2**63 - 1)


class SqlType(Enum):
    """The type of a value; ``NULL`` is that of a bare NULL, which any other can be."""

    INT = "INT"
    BIGINT = "BIGINT"
    DOUBLE = "DOUBLE"
    VARCHAR = "VARCHAR"
    BOOLEAN = "BOOLEAN"
    NULL = "NULL"

    @property
    def integer(self) -> bool:
        """Whether it is one of the two integer types."""
        return self in (SqlType.INT, SqlType.BIGINT)

    @property
    def numeric(self) -> bool:
        """Whether it is a number's."""
        return self.integer or self is SqlType.DOUBLE

    @property
    def words(self) -> str:
        """What a message calls such a value."""
        words = {SqlType.VARCHAR: "a text", SqlType.BOOLEAN: "a condition", SqlType.DOUBLE: "a number", SqlType.NULL: "NULL"}
        return words.get(self, "an integer")

    @property
    def arrow(self) -> str:
        """The alias of the Arrow type that both engines write."""
        return {
            SqlType.INT: "int32",
            SqlType.BIGINT: "int64",
            SqlType.DOUBLE: "double",
            SqlType.VARCHAR: "string",
            SqlType.BOOLEAN: "bool",
        }[self]


@dataclass(frozen=True)
class RawColumn:
    """A column that expressions read: what its cells hold, and whether they may be ``missing``."""

    kind: ColumnType
    missing: bool = False


def raw_columns(columns: Mapping[str, RawColumn | ColumnType]) -> dict[str, RawColumn]:
    """Return columns with those that are given by their kind alone as columns that are never missing."""
    return {name: kind if isinstance(kind, RawColumn) else RawColumn(kind) for name, kind in columns.items()}


@dataclass(frozen=True)
class Node:
    """A value: its type, and whether it may be NULL."""

    type: SqlType
    nullable: bool

    def children(self) -> Iterator[Node]:
        """Yield the nodes that it is made of, from left to right."""
        for field in fields(self):
            yield from _nodes(getattr(self, field.name))

    def walk(self) -> Iterator[Node]:
        """Yield it and all below it."""
        yield self
        for child in self.children():
            yield from child.walk()


@dataclass(frozen=True)
class Constant(Node):
    """A number, a text, TRUE, FALSE or, as None, NULL."""

    value: int | float | str | bool | None


@dataclass(frozen=True)
class Column(Node):
    """A column of the raw table. ``cast`` is whether its integers are read as BIGINT whatever the table stores them as."""

    name: str
    cast: bool


@dataclass(frozen=True)
class Arithmetic(Node):
    """``left operator right`` of numbers; ``%`` has the sign of ``left``, ``/`` gives a DOUBLE."""

    operator: Literal["+", "-", "*", "/", "%"]
    left: Node
    right: Node


@dataclass(frozen=True)
class Negative(Node):
    """``-operand`` of a DOUBLE."""

    operand: Node


@dataclass(frozen=True)
class Comparison(Node):
    """``left operator right``; numbers of different types are compared as DOUBLE."""

    operator: Literal["=", "<>", "<", "<=", ">", ">="]
    left: Node
    right: Node


@dataclass(frozen=True)
class Logic(Node):
    """Conditions joined by AND or OR, in SQL's logic of three values."""

    operator: Literal["AND", "OR"]
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Not(Node):
    """NOT of a condition."""

    operand: Node


@dataclass(frozen=True)
class IsNull(Node):
    """Whether a value is NULL, or, ``negated``, is not."""

    operand: Node
    negated: bool


@dataclass(frozen=True)
class In(Node):
    """Whether a text or an integer is one of some literals."""

    operand: Node
    values: tuple[int | str, ...]


@dataclass(frozen=True)
class Case(Node):
    """The value behind the first condition that is true, else ``default``."""

    whens: tuple[tuple[Node, Node], ...]
    default: Node


@dataclass(frozen=True)
class Coalesce(Node):
    """The first value that is not NULL."""

    operands: tuple[Node, ...]


@dataclass(frozen=True)
class NullIf(Node):
    """NULL where ``operand`` equals ``value``, else ``operand``."""

    operand: Node
    value: Node


@dataclass(frozen=True)
class Cast(Node):
    """A value as another type; a DOUBLE that becomes an integer is whole already."""

    operand: Node


@dataclass(frozen=True)
class Floor(Node):
    """The largest whole number that is not above a DOUBLE, as a DOUBLE; outside of BIGINT there is none."""

    operand: Node


@dataclass(frozen=True)
class Absolute(Node):
    """A number without its sign."""

    operand: Node


@dataclass(frozen=True)
class Concat(Node):
    """Texts behind each other."""

    operands: tuple[Node, ...]


def is_whole(node: Node) -> bool:
    """Return whether a number has no fraction, whatever the row."""
    if node.type.integer:
        return True
    match node:
        case Constant(value=float() as value):
            return value.is_integer()
        case Floor():
            return True
        case Cast(operand=operand) | Absolute(operand=operand) | Negative(operand=operand):
            return is_whole(operand)
        case Arithmetic(operator=operator, left=left, right=right):
            return operator != "/" and is_whole(left) and is_whole(right)
        case _:
            return False


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _nodes(each)
