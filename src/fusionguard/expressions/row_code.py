"""Generates a Python function for one row from trees: what the service calls a request, in a microsecond or two.

The function is compiled from syntax nodes made here, never from a text. Its variables are numbered, not named by the text;
``_HELPERS`` are all that it can call. A value that the engines refuse or disagree about ends in :class:`RowError`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from math import floor, fmod, isinf, isnan, nan
from typing import Any

from fusionguard.expressions.errors import RowError
from fusionguard.expressions.row_syntax import FUNCTION, REFUSE, REFUSED, RowSyntax
from fusionguard.expressions.tree import Node

RowFunction = Callable[[Sequence[Any]], list[Any]]
"""From a row's values in the order of the columns, with None where one is missing, to the values of the trees in theirs."""


def row_function(outputs: Mapping[str, Node], columns: Sequence[str]) -> RowFunction:
    """Compile the function that makes ``outputs``, in their order, of a row's ``columns``, in theirs.

    Numbers may come as int or float, whole ones of an integer column too, and must be finite; whoever calls has checked them.
    """
    namespace = _compiled(outputs.values(), columns, guarded=True)

    def refuse(error: Exception, values: Sequence[Any]) -> RowError:
        for name, node in outputs.items():
            try:
                _compiled([node], columns, guarded=False)[FUNCTION](values)
            except _REFUSALS as why:
                return RowError(f"The feature '{name}' cannot be made of this row: {_reason(why)}.", "Correct the row.")
        # A part that several features share is computed before the condition of any of them is looked at.
        return RowError(f"The features cannot be made of this row: {_reason(error)}.", "Correct the row.")

    namespace[REFUSE] = refuse
    make: RowFunction = namespace[FUNCTION]
    return make


_REFUSALS = (ArithmeticError, ValueError)
_NO_INTEGER = "a number is out of range"


def _compiled(nodes: Collection[Node], columns: Sequence[str], *, guarded: bool) -> dict[str, Any]:
    """Return the namespace of a function that makes some trees; ``guarded``, it tells which of them failed."""
    module = ast.fix_missing_locations(RowSyntax(columns, nodes).module(list(nodes), guarded=guarded))
    namespace: dict[str, Any] = {"__builtins__": {}, **_HELPERS}
    exec(compile(module, "<features of a row>", "exec"), namespace)
    return namespace


def _reason(error: BaseException) -> str:
    if isinstance(error, ZeroDivisionError):
        return "it divides by zero"
    return str(error) if isinstance(error, _OutOfRangeError) else _NO_INTEGER


class _OutOfRangeError(ArithmeticError):
    """An integer that its type cannot hold."""


def _overflow(kind: str) -> Any:
    raise _OutOfRangeError(f"a number is out of the range of {kind}")


def _remainder(left: float, right: float) -> float:
    """Return ``left % right`` of DOUBLE: NaN for an infinite dividend, and an error for a divisor of zero."""
    if right == 0:
        raise ZeroDivisionError
    return nan if isinf(left) else fmod(left, right)


def _integer_remainder(left: int, right: int) -> int:
    """Return ``left % right`` of integers, with the sign of ``left``."""
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def _equal(left: float, right: float) -> bool:
    return left == right or (isnan(left) and isnan(right))


def _greater(left: float, right: float) -> bool:
    return left > right or (isnan(left) and not isnan(right))


_HELPERS: dict[str, Any] = {
    "float": float,
    "int": int,
    "str": str,
    "abs": abs,
    "floor": floor,
    "fmod": fmod,
    "overflow": _overflow,
    "remainder": _remainder,
    "integer_remainder": _integer_remainder,
    "equal": _equal,
    "greater": _greater,
    REFUSED: _REFUSALS,
}
