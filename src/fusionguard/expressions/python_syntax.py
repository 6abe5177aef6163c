"""Small pieces of Python's syntax that generated functions are put together from."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fusionguard.expressions.tree import Arithmetic, Column, Comparison, Constant, Node, SqlType

_COMPARED: dict[str, ast.cmpop] = {
    "=": ast.Eq(),
    "<>": ast.NotEq(),
    "<": ast.Lt(),
    "<=": ast.LtE(),
    ">": ast.Gt(),
    ">=": ast.GtE(),
}


def comparison(node: Comparison, left: ast.expr, right: ast.expr) -> ast.expr:
    """Return a comparison in which NaN equals itself and is the largest number, without a call where one side is a constant."""
    operator = node.operator
    exact = SqlType.DOUBLE not in (node.left.type, node.right.type) or isinstance(node.left, Column)
    if exact and isinstance(node.right, Constant):
        return ast.Compare(left, [_COMPARED[operator]], [right])
    if isinstance(node.right, Constant):
        if operator in (">", ">="):
            return ast.UnaryOp(ast.Not(), ast.Compare(left, [ast.LtE() if operator == ">" else ast.Lt()], [right]))
        return ast.Compare(left, [_COMPARED[operator]], [right])
    if SqlType.DOUBLE not in (node.left.type, node.right.type):
        return ast.Compare(left, [_COMPARED[operator]], [right])
    if operator in ("=", "<>"):
        same = call("equal", left, right)
        return same if operator == "=" else ast.UnaryOp(ast.Not(), same)
    swapped = operator in ("<", ">=")
    greater = call("greater", right, left) if swapped else call("greater", left, right)
    return greater if operator in ("<", ">") else ast.UnaryOp(ast.Not(), greater)


def absorbed(node: Node) -> Iterator[str]:
    """Yield the columns that meet a DOUBLE constant in arithmetic, where Python makes a float of an int as the engines do."""
    for each in node.walk():
        if isinstance(each, Arithmetic) and each.type is SqlType.DOUBLE:
            for one, other in ((each.left, each.right), (each.right, each.left)):
                if isinstance(one, Column) and isinstance(other, Constant) and isinstance(other.value, float):
                    yield one.name


def as_double(node: Node, code: ast.expr) -> ast.expr:
    """Return the code of a number as a float."""
    if isinstance(node, Constant) and node.type.integer:
        return ast.Constant(float(node.value))  # type: ignore[arg-type]
    return call("float", code) if node.type.integer else code


def unless(missing: list[ast.expr], code: ast.expr) -> ast.expr:
    """Return the code of a condition that is false where one of the tests of what is missing is true."""
    return code if not missing else ast.BoolOp(ast.And(), [*(ast.UnaryOp(ast.Not(), each) for each in missing), code])


def any_of(tests: list[ast.expr]) -> ast.expr:
    """Return the code of tests joined by ``or``."""
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)


def is_none(code: ast.expr) -> ast.expr:
    """Return the test of a value that is missing."""
    return is_same(code, None)


def is_same(code: ast.expr, value: bool | None) -> ast.expr:
    """Return the code of ``code is value``; Python warns of that of a constant, of which the answer is known."""
    if isinstance(code, ast.Constant):
        return ast.Constant(code.value is value)
    return ast.Compare(code, [ast.Is()], [ast.Constant(value)])


def call(name: str, *arguments: ast.expr) -> ast.expr:
    """Return the call of a function."""
    return ast.Call(load(name), list(arguments), [])


def load(name: str) -> ast.expr:
    """Return a variable that is read."""
    return ast.Name(name, ast.Load())


def store(name: str) -> ast.Name:
    """Return a variable that is written."""
    return ast.Name(name, ast.Store())
