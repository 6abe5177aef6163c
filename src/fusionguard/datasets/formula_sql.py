"""Formulas of declared features, as the SQL of features has them."""

from __future__ import annotations

from collections.abc import Mapping

from fusionguard.datasets.expressions import Column, Expression, Number

_WHOLE = 2.0**52
"""From here on every double is whole; Spark's FLOOR gives a BIGINT, which does not hold all of them."""
_COMPARISONS = {"<=": "<=", ">=": ">=", "!=": "<>", "=": "=", "<": "<", ">": ">"}


def formula_sql(tree: Expression, names: Mapping[str, str]) -> str:
    """Return a formula as an expression over prepared columns, by ``names``; all of them are numbers.

    A part that is missing, and a divisor of 0, make the whole missing, as in :mod:`fusionguard.datasets.expressions`.
    """
    if isinstance(tree, Number):
        return f"{tree.value!r}" if "e" in repr(tree.value) else f"{tree.value!r}e0"
    if isinstance(tree, Column):
        return names[tree.name]
    parts = [formula_sql(operand, names) for operand in tree.operands]
    if tree.operator == "abs":
        return f"ABS({parts[0]})"
    if tree.operator == "floor":
        return f"(CASE WHEN ABS({parts[0]}) < {_WHOLE!r}e0 THEN FLOOR({parts[0]}) + 0e0 ELSE {parts[0]} END)"
    if len(parts) == 1:
        return f"(0e0 - {parts[0]})"
    if tree.operator in ("/", "%"):
        return f"({parts[0]} {tree.operator} NULLIF({parts[1]}, 0e0))"
    if tree.operator in _COMPARISONS:
        return f"CAST(CAST({parts[0]} {_COMPARISONS[tree.operator]} {parts[1]} AS INT) AS DOUBLE)"
    return f"({parts[0]} {tree.operator} {parts[1]})"
