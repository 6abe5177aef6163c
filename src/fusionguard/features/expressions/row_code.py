"""Generates a Python function for one row from trees: what the service calls a request, in a microsecond or two.

The function is compiled from syntax nodes made here, never from a text. Its variables are numbered, not named by the text;
``_HELPERS`` are all that it can call. A value that the engines refuse or disagree about ends in :class:`RowError`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import floor, fmod, isinf, isnan, nan
from typing import Any

from fusionguard.features.expressions.errors import RowError
from fusionguard.features.expressions.tree import (
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

RowFunction = Callable[[Sequence[Any]], list[Any]]
"""From a row's values in the order of the columns, with None where one is missing, to the values of the trees in theirs."""


def row_function(outputs: Mapping[str, Node], columns: Sequence[str]) -> RowFunction:
    """Compile the function that makes ``outputs``, in their order, of a row's ``columns``, in theirs.

    Numbers may come as int or float, whole ones of an integer column too, and must be finite; whoever calls has checked them.
    """
    code = _RowCode(columns, outputs.values())
    module = ast.fix_missing_locations(code.module(list(outputs.values())))
    namespace: dict[str, Any] = {"__builtins__": {}, **_HELPERS}
    exec(compile(module, "<features of a row>", "exec"), namespace)
    make: RowFunction = namespace[_FUNCTION]
    names = tuple(outputs)

    def refuse(error: Exception, values: Sequence[Any]) -> RowError:
        for name, node in outputs.items():
            try:
                _alone(node, columns)(values)
            except _REFUSALS as why:
                return RowError(f"The feature '{name}' cannot be made of this row: {_reason(why)}.", "Correct the row.")
        raise AssertionError(f"no single feature of {names} fails") from error

    namespace[_REFUSE] = refuse
    return make


_FUNCTION, _REFUSE, _REFUSED = "features", "refuse", "refused"
_REFUSALS = (ArithmeticError, ValueError)
_DOUBLE_INFINITE = "a number is out of range"


def _alone(node: Node, columns: Sequence[str]) -> Callable[[Sequence[Any]], Any]:
    """Compile one tree without the handler that tells which of several failed."""
    module = ast.fix_missing_locations(_RowCode(columns, [node]).module([node], guarded=False))
    namespace: dict[str, Any] = {"__builtins__": {}, **_HELPERS}
    exec(compile(module, "<a feature of a row>", "exec"), namespace)
    return namespace[_FUNCTION]  # type: ignore[no-any-return]


def _reason(error: BaseException) -> str:
    if isinstance(error, ZeroDivisionError):
        return "it divides by zero"
    return str(error) if isinstance(error, _OutOfRangeError) else _DOUBLE_INFINITE


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
    _REFUSED: _REFUSALS,
}
_OPERATORS: dict[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "/": ast.Div()}
_COMPARED: dict[str, ast.cmpop] = {
    "=": ast.Eq(),
    "<>": ast.NotEq(),
    "<": ast.Lt(),
    "<=": ast.LtE(),
    ">": ast.Gt(),
    ">=": ast.GtE(),
}


class _RowCode:
    """Writes the statements of one function; what may be NULL is put into a variable before it is looked at twice."""

    def __init__(self, columns: Sequence[str], nodes: Any) -> None:
        self._columns = columns
        self._used = {each.name: each for node in nodes for each in node.walk() if isinstance(each, Column)}
        self._block: list[ast.stmt] = []
        self._variables = 0

    def module(self, nodes: Sequence[Node], *, guarded: bool = True) -> ast.Module:
        """Return the module that defines the function."""
        targets = [_store(self._variable(name) if name in self._used else "_") for name in self._columns]
        unpack = ast.Assign([ast.Tuple(targets, ast.Store())], _load("values"))
        self._block = self._converted(nodes)
        made = ast.List([self._value(node) for node in nodes], ast.Load())
        body: list[ast.stmt] = [*self._block, ast.Return(made)]
        if guarded:
            refusal = ast.Raise(_call(_REFUSE, _load("error"), _load("values")), _load("error"))
            body = [ast.Try(body, [ast.ExceptHandler(_load(_REFUSED), "error", [refusal])], [], [])]
        body.insert(0, unpack)
        arguments = ast.arguments([], [ast.arg("values")], None, [], [], None, [])
        return ast.Module([ast.FunctionDef(_FUNCTION, arguments, body, [], None)], [])

    def _variable(self, column: str) -> str:
        return f"column_{self._columns.index(column)}"

    def _converted(self, nodes: Sequence[Node]) -> list[ast.stmt]:
        """Make numbers the int or float that their column is, but those that each use makes a float in any case."""
        absorbed = Counter(name for node in nodes for name in _absorbed(node))
        uses = Counter(each.name for node in nodes for each in node.walk() if isinstance(each, Column))
        statements: list[ast.stmt] = []
        for name, node in self._used.items():
            if node.type is SqlType.VARCHAR or absorbed[name] == uses[name]:
                continue
            variable = self._variable(name)
            value: ast.expr = _call("float" if node.type is SqlType.DOUBLE else "int", _load(variable))
            if node.nullable:
                value = ast.IfExp(_is_none(_load(variable)), ast.Constant(None), value)
            statements.append(ast.Assign([_store(variable)], value))
        return statements

    def _value(self, node: Node) -> ast.expr:
        """Return the code of a value: int, float, str, bool, or None where it may be NULL."""
        match node:
            case Constant(value=value):
                return ast.Constant(value)
            case Column(name=name):
                return _load(self._variable(name))
            case Case():
                return self._branches(node, node.whens)
            case Coalesce():
                return self._coalesce(node)
            case NullIf(operand=operand, value=value):
                kept = self._simple(operand)
                same = self._truth(Comparison(SqlType.BOOLEAN, True, "=", operand, value), kept)
                return ast.IfExp(same, ast.Constant(None), kept)
            case Comparison() | Logic() | Not() | IsNull() | In():
                true = self._truth(node)
                if not node.nullable:
                    return true
                return ast.IfExp(
                    true, ast.Constant(True), ast.IfExp(self._falsity(node), ast.Constant(False), ast.Constant(None))
                )
            case Cast(operand=operand) if operand.type is SqlType.BOOLEAN:
                true = ast.IfExp(self._truth(operand), ast.Constant(1), ast.Constant(0))
                if not operand.nullable:
                    return true
                return ast.IfExp(
                    self._truth(operand), ast.Constant(1), ast.IfExp(self._falsity(operand), ast.Constant(0), ast.Constant(None))
                )
            case _:
                return self._applied(node)

    def _applied(self, node: Node) -> ast.expr:
        """Return the code of an operation that is NULL where any of its operands is."""
        # Where one may be NULL the others come first, too: what an engine refuses is refused beside a NULL.
        make = self._simple if node.nullable else self._value
        operands = [make(each) for each in node.children()]
        value = self._operation(node, operands)
        missing = [_is_none(code) for each, code in zip(node.children(), operands, strict=True) if each.nullable]
        if not missing:
            return value
        return ast.IfExp(_any(missing), ast.Constant(None), value)

    def _operation(self, node: Node, operands: list[ast.expr]) -> ast.expr:
        match node:
            case Arithmetic():
                return self._arithmetic(node, *operands)
            case Negative():
                return ast.UnaryOp(ast.USub(), operands[0])
            case Cast(operand=operand):
                return self._cast(node, operand, operands[0])
            case Floor():
                return _call("float", self._ranged(SqlType.BIGINT, _call("floor", operands[0])))
            case Absolute():
                found = _call("abs", operands[0])
                return self._ranged(node.type, found) if node.type.integer else found
            case Concat():
                joined = operands[0]
                for code in operands[1:]:
                    joined = ast.BinOp(joined, ast.Add(), code)
                return joined
            case _:
                raise AssertionError(f"no code for {type(node).__name__}")

    def _arithmetic(self, node: Arithmetic, left: ast.expr, right: ast.expr) -> ast.expr:
        if node.type is SqlType.DOUBLE:
            left, right = _as_double(node.left, left), _as_double(node.right, right)
            if node.operator != "%":
                return ast.BinOp(left, _OPERATORS[node.operator], right)
            finite = isinstance(node.left, (Column, Floor)) and isinstance(node.right, Constant)
            return _call("fmod" if finite else "remainder", left, right)
        if node.operator == "%":
            found = _call("integer_remainder", left, right)
            # The smallest integer % -1 is an overflow in DuckDB; so is the quotient that it comes from.
            return (
                found
                if isinstance(node.right, Constant) and node.right.value != -1
                else self._checked_remainder(node, left, right)
            )
        return self._ranged(node.type, ast.BinOp(left, _OPERATORS[node.operator], right))

    def _checked_remainder(self, node: Arithmetic, left: ast.expr, right: ast.expr) -> ast.expr:
        left, right = self._kept(left), self._kept(right)
        lowest = ast.Constant((INT_RANGE if node.type is SqlType.INT else BIGINT_RANGE)[0])
        bad = ast.BoolOp(ast.And(), [ast.Compare(right, [ast.Eq()], [ast.Constant(-1)]), ast.Compare(left, [ast.Eq()], [lowest])])
        return ast.IfExp(bad, _call("overflow", ast.Constant(node.type.value)), _call("integer_remainder", left, right))

    def _cast(self, node: Cast, operand: Node, code: ast.expr) -> ast.expr:
        given, kind = operand.type, node.type
        if kind is SqlType.VARCHAR:
            return code if given is SqlType.VARCHAR else _call("str", code)
        if kind is SqlType.DOUBLE:
            return _as_double(operand, code)
        if given is SqlType.DOUBLE:
            if isinstance(operand, Floor) and not operand.nullable:
                return self._ranged(kind, _call("floor", self._value(operand.operand)))
            return self._ranged(kind, _call("int", code))
        narrower = kind is SqlType.INT and given is SqlType.BIGINT
        return self._ranged(kind, code) if narrower else code

    def _branches(self, node: Case, whens: Sequence[tuple[Node, Node]]) -> ast.expr:
        """Return a conditional expression, or write an ``if`` where a branch needs statements of its own."""
        if not whens:
            return self._widened(node.type, node.default)
        (condition, value), *others = whens
        true = self._truth(condition)
        first, first_block = self._within(lambda: self._widened(node.type, value))
        second, second_block = self._within(lambda: self._branches(node, others))
        if not first_block and not second_block:
            return ast.IfExp(true, first, second)
        name = self._fresh()
        first_block.append(ast.Assign([_store(name)], first))
        second_block.append(ast.Assign([_store(name)], second))
        self._block.append(ast.If(true, first_block, second_block))
        return _load(name)

    def _coalesce(self, node: Coalesce) -> ast.expr:
        name = self._fresh()
        self._block.append(ast.Assign([_store(name)], self._widened(node.type, node.operands[0])))
        for number, operand in enumerate(node.operands[1:]):
            if not node.operands[number].nullable:
                break
            value, block = self._within(lambda operand=operand: self._widened(node.type, operand))  # type: ignore[misc]
            self._block.append(ast.If(_is_none(_load(name)), [*block, ast.Assign([_store(name)], value)], []))
        return _load(name)

    def _widened(self, kind: SqlType, node: Node) -> ast.expr:
        """Return a value as the type of the branches that it is one of."""
        if kind is not SqlType.DOUBLE or not node.type.integer:
            return self._value(node)
        return self._value(Cast(kind, node.nullable, node))

    def _truth(self, node: Node, left: ast.expr | None = None) -> ast.expr:
        """Return code that is true where a condition is TRUE, and false where it is FALSE or NULL."""
        match node:
            case Logic(operator=operator, operands=operands):
                return ast.BoolOp(ast.And() if operator == "AND" else ast.Or(), [self._truth(each) for each in operands])
            case Not(operand=operand):
                return self._falsity(operand)
            case Comparison():
                first, second, missing = self._compared(node, left)
                return _unless(missing, _comparison(node, first, second))
            case _:
                return self._plain_truth(node)

    def _falsity(self, node: Node) -> ast.expr:
        """Return code that is true where a condition is FALSE."""
        match node:
            case Logic(operator=operator, operands=operands):
                return ast.BoolOp(ast.Or() if operator == "AND" else ast.And(), [self._falsity(each) for each in operands])
            case Not(operand=operand):
                return self._truth(operand)
            case Comparison():
                first, second, missing = self._compared(node, None)
                return _unless(missing, ast.UnaryOp(ast.Not(), _comparison(node, first, second)))
            case In(operand=operand) if operand.nullable:
                code, found = self._found(node)
                return _unless([_is_none(code)], ast.UnaryOp(ast.Not(), found))
            case _ if not node.nullable:
                return ast.UnaryOp(ast.Not(), self._plain_truth(node))
            case _:
                return _is(self._simple(node), False)

    def _plain_truth(self, node: Node) -> ast.expr:
        match node:
            case IsNull(operand=operand, negated=negated):
                missing = _is_none(self._simple(operand))
                return ast.UnaryOp(ast.Not(), missing) if negated else missing
            case In(operand=operand):
                code, found = self._found(node)
                return _unless([_is_none(code)] if operand.nullable else [], found)
            case _ if not node.nullable:
                return self._value(node)
            case _:
                return _is(self._simple(node), True)

    def _found(self, node: In) -> tuple[ast.expr, ast.expr]:
        code = self._simple(node.operand)
        listed = ast.Tuple([ast.Constant(value) for value in node.values], ast.Load())
        return code, ast.Compare(code, [ast.In()], [listed])

    def _compared(self, node: Comparison, left: ast.expr | None) -> tuple[ast.expr, ast.expr, list[ast.expr]]:
        """Return both sides of a comparison, as DOUBLE where one is, and the tests of what is missing."""
        make = self._simple if node.left.nullable or node.right.nullable else self._value
        left = left or make(node.left)
        right = make(node.right)
        missing = [_is_none(code) for side, code in ((node.left, left), (node.right, right)) if side.nullable]
        if SqlType.DOUBLE in (node.left.type, node.right.type):
            left, right = _as_double(node.left, left), _as_double(node.right, right)
        return left, right, missing

    def _ranged(self, kind: SqlType, code: ast.expr) -> ast.expr:
        """Return an integer's code that refuses what its type cannot hold."""
        low, high = INT_RANGE if kind is SqlType.INT else BIGINT_RANGE
        name = self._fresh()
        within = ast.Compare(ast.Constant(low), [ast.LtE(), ast.LtE()], [ast.NamedExpr(_store(name), code), ast.Constant(high)])
        return ast.IfExp(within, _load(name), _call("overflow", ast.Constant(kind.value)))

    def _simple(self, node: Node) -> ast.expr:
        return self._kept(self._value(node))

    def _kept(self, code: ast.expr) -> ast.expr:
        """Return a name or a constant for some code, which is computed once."""
        if isinstance(code, (ast.Name, ast.Constant)):
            return code
        name = self._fresh()
        self._block.append(ast.Assign([_store(name)], code))
        return _load(name)

    def _within(self, write: Callable[[], ast.expr]) -> tuple[ast.expr, list[ast.stmt]]:
        """Write code whose statements do not run unless their block does."""
        outer, self._block = self._block, []
        try:
            return write(), self._block
        finally:
            self._block = outer

    def _fresh(self) -> str:
        self._variables += 1
        return f"part_{self._variables}"


def _comparison(node: Comparison, left: ast.expr, right: ast.expr) -> ast.expr:
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
        same = _call("equal", left, right)
        return same if operator == "=" else ast.UnaryOp(ast.Not(), same)
    swapped = operator in ("<", ">=")
    greater = _call("greater", right, left) if swapped else _call("greater", left, right)
    return greater if operator in ("<", ">") else ast.UnaryOp(ast.Not(), greater)


def _absorbed(node: Node) -> Iterator[str]:
    """Yield the columns that meet a DOUBLE constant in arithmetic, where Python makes a float of an int as the engines do."""
    for each in node.walk():
        if isinstance(each, Arithmetic) and each.type is SqlType.DOUBLE:
            for one, other in ((each.left, each.right), (each.right, each.left)):
                if isinstance(one, Column) and isinstance(other, Constant) and isinstance(other.value, float):
                    yield one.name


def _as_double(node: Node, code: ast.expr) -> ast.expr:
    if isinstance(node, Constant) and node.type.integer:
        return ast.Constant(float(node.value))  # type: ignore[arg-type]
    return _call("float", code) if node.type.integer else code


def _unless(missing: list[ast.expr], code: ast.expr) -> ast.expr:
    return code if not missing else ast.BoolOp(ast.And(), [*(ast.UnaryOp(ast.Not(), each) for each in missing), code])


def _any(tests: list[ast.expr]) -> ast.expr:
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)


def _is_none(code: ast.expr) -> ast.expr:
    return _is(code, None)


def _is(code: ast.expr, value: bool | None) -> ast.expr:
    """Return the code of ``code is value``; Python warns of that of a constant, of which the answer is known."""
    if isinstance(code, ast.Constant):
        return ast.Constant(code.value is value)
    return ast.Compare(code, [ast.Is()], [ast.Constant(value)])


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(_load(name), list(arguments), [])


def _load(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _store(name: str) -> Any:
    return ast.Name(name, ast.Store())
