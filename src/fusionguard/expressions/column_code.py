"""Evaluates trees over arrays of rows: what the service does with a batch, and :mod:`row_code` with one row."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fusionguard.expressions.errors import RowError
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
    SqlType,
)

Array = NDArray[Any]
Flags = NDArray[np.bool_]

_DTYPES: dict[SqlType, type] = {
    SqlType.INT: np.int64,
    SqlType.BIGINT: np.int64,
    SqlType.DOUBLE: np.float64,
    SqlType.VARCHAR: object,
    SqlType.BOOLEAN: np.bool_,
}
_CERTAIN = 2.0**62
"""Below this magnitude, of a result computed in floating point too, no result of two BIGINTs has left their range."""


@dataclass(frozen=True)
class Values:
    """A value for each row: ``data`` (n,), and ``missing`` (n,), true where it is NULL whatever ``data`` holds there, or None."""

    data: Array
    missing: Flags | None = None

    @property
    def there(self) -> Flags:
        """Where it is not NULL (n,)."""
        return np.ones(len(self.data), dtype=bool) if self.missing is None else ~self.missing


def column_values(name: str, node: Node, columns: Mapping[str, Array]) -> Values:
    """Return the values of the feature ``name``.

    Parameters
    ----------
    columns
        Raw columns (n,) by name: numbers, where NaN is missing if the column may miss cells, and texts as objects, where None is.
        Whole numbers beyond 2**53 are exact as int64 only.

    Raises
    ------
    RowError
        A row has a value that the engines refuse or disagree about.
    """
    try:
        with np.errstate(all="ignore"):
            return _Rows(columns, len(next(iter(columns.values())))).values(node)
    except _RefusedError as error:
        raise RowError(f"The feature '{name}' cannot be made of a row: {error}.", "Correct the rows.") from error


class _RefusedError(Exception):
    """What is wrong with some row."""


class _Rows:
    """Some rows, with an evaluation for each kind of node."""

    def __init__(self, columns: Mapping[str, Array], count: int) -> None:
        self._columns, self._count = columns, count
        self._floors: dict[Node, Values] = {}

    def values(self, node: Node) -> Values:
        """Return the values of a node."""
        match node:
            case Constant(value=None):
                return Values(np.zeros(self._count), np.ones(self._count, dtype=bool))
            case Constant(type=kind, value=value):
                return Values(np.full(self._count, value, dtype=_DTYPES[kind]))
            case Column():
                return self._column(node)
            case Floor():
                if node not in self._floors:
                    self._floors[node] = self._operated(node)
                return self._floors[node]
            case Logic():
                return self._logic(node)
            case IsNull(operand=operand, negated=negated):
                return Values(self.values(operand).there ^ (not negated))
            case Case():
                return self._case(node)
            case Coalesce():
                return self._coalesce(node)
            case NullIf(operand=operand, value=value):
                kept = self.values(operand)
                same = self.values(Comparison(SqlType.BOOLEAN, True, "=", operand, value))
                return Values(kept.data, ~kept.there | (same.data & same.there))
            case _:
                return self._operated(node)

    def _operated(self, node: Node) -> Values:
        """Return the values of an operation, NULL where any of its operands is."""
        operands = [self._operand(each) for each in node.children()]
        masks = [each.missing for each in operands if each.missing is not None]
        missing = np.logical_or.reduce(masks) if masks else None
        data = _applied(node, [each.data for each in operands], None if missing is None else ~missing)
        return Values(np.broadcast_to(data, (self._count,)), missing)

    def _operand(self, node: Node) -> Values:
        """Return the values of a part of an operation; a constant is one number that meets all rows."""
        if isinstance(node, Constant) and node.type.numeric:
            return Values(np.array(node.value, dtype=_DTYPES[node.type]))
        return self.values(node)

    def _column(self, node: Column) -> Values:
        data = self._columns[node.name]
        if not node.nullable:
            return Values(data.astype(_DTYPES[node.type], copy=False))
        missing = np.array([text is None for text in data], dtype=bool) if node.type is SqlType.VARCHAR else np.isnan(data)
        return Values(np.where(missing, "" if node.type is SqlType.VARCHAR else 0, data).astype(_DTYPES[node.type]), missing)

    def _logic(self, node: Logic) -> Values:
        """AND is false where any operand is, and OR true; else NULL where any is NULL."""
        decisive = node.operator == "OR"
        decided, missing = np.zeros(self._count, dtype=bool), np.zeros(self._count, dtype=bool)
        for operand in node.operands:
            places = np.flatnonzero(~decided)
            found = self._take(places).values(operand)
            decided[places] = (found.data == decisive) & found.there
            missing[places] |= ~found.there
        return Values(decided == decisive, missing & ~decided)

    def _case(self, node: Case) -> Values:
        """Evaluate each branch on its own rows only, as the engines do: the others may not allow it."""
        data: Array = np.zeros(self._count, dtype=_DTYPES[node.type])
        missing = np.zeros(self._count, dtype=bool)
        left = np.arange(self._count)
        always = Constant(SqlType.BOOLEAN, False, True)
        for condition, value in (*node.whens, (always, node.default)):
            rows = self._take(left)
            met = rows.values(condition)
            true = met.data & met.there
            places, left = left[true], left[~true]
            found = self._take(places).values(value)
            data[places], missing[places] = found.data, ~found.there
        return Values(data, missing if node.nullable else None)

    def _coalesce(self, node: Coalesce) -> Values:
        data: Array = np.zeros(self._count, dtype=_DTYPES[node.type])
        missing = np.ones(self._count, dtype=bool)
        for operand in node.operands:
            places = np.flatnonzero(missing)
            found = self._take(places).values(operand)
            data[places[found.there]] = found.data[found.there]
            missing[places] = ~found.there
        return Values(data, missing if node.nullable else None)

    def _take(self, places: NDArray[np.intp]) -> _Rows:
        return _Rows({name: column[places] for name, column in self._columns.items()}, len(places))


def _applied(node: Node, operands: list[Array], there: Flags | None) -> Array:
    """Apply an operation to all rows; only those that are ``there`` must allow it."""
    match node:
        case Arithmetic():
            left, right = operands
            return _arithmetic(node, left, right, there)
        case Negative():
            return -operands[0]
        case Comparison():
            return _compared(node, *operands)
        case Not():
            return ~operands[0]
        case In(values=values):
            return np.asarray(np.logical_or.reduce([operands[0] == value for value in values]), dtype=bool)
        case Cast(operand=operand):
            return _cast(node, operand, operands[0], there)
        case Floor():
            found = np.floor(operands[0]) + 0.0
            _refuse((found >= 2.0**63) | (found < -(2.0**63)) | np.isnan(found), there, "BIGINT")
            return found
        case Absolute():
            if node.type.integer:
                _refuse(operands[0] == _range(node.type)[0], there, node.type.value)
            return np.abs(operands[0])
        case Concat():
            return np.array(["".join(row) for row in zip(*operands, strict=True)], dtype=object)
        case _:
            raise AssertionError(f"no evaluation of {type(node).__name__}")


def _arithmetic(node: Arithmetic, left: Array, right: Array, there: Flags | None) -> Array:
    if node.operator in ("/", "%") and _any(right == 0, there):
        raise _RefusedError("it divides by zero")
    if node.type is SqlType.DOUBLE:
        return _DOUBLES[node.operator](left.astype(np.float64, copy=False), right.astype(np.float64, copy=False))
    low, high = _range(node.type)
    if node.operator == "%":
        _refuse((right == -1) & (left == low), there, node.type.value)
        return np.fmod(left, np.where((right == 0) | (right == -1), 1, right))
    found: Array = _INTEGERS[node.operator](left, right)
    if node.type is SqlType.INT:
        _refuse((found < low) | (found > high), there, "INT")
        return found
    uncertain = np.abs(_INTEGERS[node.operator](left.astype(np.float64), right.astype(np.float64))) >= _CERTAIN
    if _any(uncertain, there):
        exact = _INTEGERS[node.operator](left.astype(object), right.astype(object))
        _refuse(((exact < low) | (exact > high)).astype(bool), there, "BIGINT")
    return found


_INTEGERS: dict[str, Callable[[Array, Array], Array]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_DOUBLES: dict[str, Callable[[Array, Array], Array]] = {**_INTEGERS, "/": operator.truediv, "%": np.fmod}


def _compared(node: Comparison, left: Array, right: Array) -> Flags:
    """Compare; NaN equals itself and is the largest number."""
    if SqlType.DOUBLE in (node.left.type, node.right.type):
        left, right = left.astype(np.float64, copy=False), right.astype(np.float64, copy=False)
        same = (left == right) | (np.isnan(left) & np.isnan(right))
        greater = (left > right) | (np.isnan(left) & ~np.isnan(right))
    else:
        same = (left == right).astype(bool)
        greater = same if node.left.type is SqlType.VARCHAR else left > right  # texts have no order
    match node.operator:
        case "=" | "<>":
            found = same if node.operator == "=" else ~same
        case ">" | "<=":
            found = greater if node.operator == ">" else ~greater
        case _:
            found = (greater | same) if node.operator == ">=" else ~(greater | same)
    return np.asarray(found, dtype=bool)


def _cast(node: Cast, operand: Node, data: Array, there: Flags | None) -> Array:
    if node.type is SqlType.VARCHAR:
        if operand.type is SqlType.VARCHAR:
            return data
        return np.array([str(each) for each in np.atleast_1d(data).tolist()], dtype=object)
    if node.type is SqlType.DOUBLE:
        return data.astype(np.float64)
    low, high = _range(node.type)
    if operand.type is SqlType.DOUBLE:
        _refuse(~((data >= low) & (data < high + 1)), there, node.type.value)
        return (data if there is None else np.where(there, data, 0)).astype(np.int64)
    if node.type is SqlType.INT and operand.type is SqlType.BIGINT:
        _refuse((data < low) | (data > high), there, "INT")
    return data.astype(np.int64)


def _range(kind: SqlType) -> tuple[int, int]:
    return INT_RANGE if kind is SqlType.INT else BIGINT_RANGE


def _refuse(outside: Flags, there: Flags | None, kind: str) -> None:
    if _any(outside, there):
        raise _RefusedError(f"a number is out of the range of {kind}")


def _any(flags: Flags, there: Flags | None) -> bool:
    return bool(np.any(flags if there is None else flags & there))
