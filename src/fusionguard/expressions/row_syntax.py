"""The syntax nodes of a function for one row: Python's, made of an expression's own; :mod:`row_code` compiles them."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Collection, Sequence

from fusionguard.expressions.python_syntax import (
    absorbed,
    any_of,
    as_double,
    call,
    comparison,
    is_none,
    is_same,
    load,
    store,
    unless,
)
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

FUNCTION, REFUSE, REFUSED = "features", "refuse", "refused"
"""What the function is called, and what it calls when it refuses a row: a helper, and the exceptions that mean so."""

_OPERATORS: dict[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "/": ast.Div()}


class RowSyntax:
    """Writes the statements of one function; what may be NULL is put into a variable before it is looked at twice."""

    def __init__(self, columns: Sequence[str], nodes: Collection[Node]) -> None:
        self._columns = columns
        self._used = {each.name: each for node in nodes for each in node.walk() if isinstance(each, Column)}
        self._block: list[ast.stmt] = []
        counts = Counter(each for node in nodes for each in node.walk() if isinstance(each, Floor))
        self._shared = {node for node, times in counts.items() if times > 1}
        self._computed: dict[Node, ast.expr] = {}
        self._variables = 0

    def module(self, nodes: Sequence[Node], *, guarded: bool = True) -> ast.Module:
        """Return the module that defines the function."""
        targets: list[ast.expr] = [store(self._variable(name) if name in self._used else "_") for name in self._columns]
        unpack = ast.Assign([ast.Tuple(targets, ast.Store())], load("values"))
        self._block = self._converted(nodes)
        made = ast.List([self._value(node) for node in nodes], ast.Load())
        body: list[ast.stmt] = [*self._block, ast.Return(made)]
        if guarded:
            refusal = ast.Raise(call(REFUSE, load("error"), load("values")), load("error"))
            body = [ast.Try(body, [ast.ExceptHandler(load(REFUSED), "error", [refusal])], [], [])]
        body.insert(0, unpack)
        arguments = ast.arguments([], [ast.arg("values")], None, [], [], None, [])
        return ast.Module([ast.FunctionDef(FUNCTION, arguments, body, [], None)], [])

    def _variable(self, column: str) -> str:
        return f"column_{self._columns.index(column)}"

    def _converted(self, nodes: Sequence[Node]) -> list[ast.stmt]:
        """Make numbers the int or float that their column is, but those that each use makes a float in any case."""
        floats = Counter(name for node in nodes for name in absorbed(node))
        uses = Counter(each.name for node in nodes for each in node.walk() if isinstance(each, Column))
        statements: list[ast.stmt] = []
        for name, node in self._used.items():
            if node.type is SqlType.VARCHAR or floats[name] == uses[name]:
                continue
            variable = self._variable(name)
            value: ast.expr = call("float" if node.type is SqlType.DOUBLE else "int", load(variable))
            if node.nullable:
                value = ast.IfExp(is_none(load(variable)), ast.Constant(None), value)
            statements.append(ast.Assign([store(variable)], value))
        return statements

    def _value(self, node: Node) -> ast.expr:
        """Return the code of a value: int, float, str, bool, or None where it may be NULL; what occurs twice is computed once."""
        if not isinstance(node, Floor) or node not in self._shared:
            return self._made(node)
        if node not in self._computed:
            self._computed[node] = self._kept(self._made(node))
        return self._computed[node]

    def _made(self, node: Node) -> ast.expr:
        match node:
            case Constant(value=value):
                return ast.Constant(value)
            case Column(name=name):
                return load(self._variable(name))
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
        missing = [is_none(code) for each, code in zip(node.children(), operands, strict=True) if each.nullable]
        if not missing:
            return value
        return ast.IfExp(any_of(missing), ast.Constant(None), value)

    def _operation(self, node: Node, operands: list[ast.expr]) -> ast.expr:
        match node:
            case Arithmetic():
                return self._arithmetic(node, *operands)
            case Negative():
                return ast.UnaryOp(ast.USub(), operands[0])
            case Cast(operand=operand):
                return self._cast(node, operand, operands[0])
            case Floor():
                return call("float", self._ranged(SqlType.BIGINT, call("floor", operands[0])))
            case Absolute():
                found = call("abs", operands[0])
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
            left, right = as_double(node.left, left), as_double(node.right, right)
            if node.operator != "%":
                return ast.BinOp(left, _OPERATORS[node.operator], right)
            finite = isinstance(node.left, (Column, Floor)) and isinstance(node.right, Constant)
            return call("fmod" if finite else "remainder", left, right)
        if node.operator == "%":
            found = call("integer_remainder", left, right)
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
        return ast.IfExp(bad, call("overflow", ast.Constant(node.type.value)), call("integer_remainder", left, right))

    def _cast(self, node: Cast, operand: Node, code: ast.expr) -> ast.expr:
        given, kind = operand.type, node.type
        if kind is SqlType.VARCHAR:
            return code if given is SqlType.VARCHAR else call("str", code)
        if kind is SqlType.DOUBLE:
            return as_double(operand, code)
        if given is SqlType.DOUBLE:
            if isinstance(operand, Floor) and not operand.nullable and operand not in self._shared:
                return self._ranged(kind, call("floor", self._value(operand.operand)))
            return self._ranged(kind, call("int", code))
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
        first_block.append(ast.Assign([store(name)], first))
        second_block.append(ast.Assign([store(name)], second))
        self._block.append(ast.If(true, first_block, second_block))
        return load(name)

    def _coalesce(self, node: Coalesce) -> ast.expr:
        name = self._fresh()
        self._block.append(ast.Assign([store(name)], self._widened(node.type, node.operands[0])))
        for number, operand in enumerate(node.operands[1:]):
            if not node.operands[number].nullable:
                break
            value, block = self._within(lambda operand=operand: self._widened(node.type, operand))  # type: ignore[misc]
            self._block.append(ast.If(is_none(load(name)), [*block, ast.Assign([store(name)], value)], []))
        return load(name)

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
                return unless(missing, comparison(node, first, second))
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
                return unless(missing, ast.UnaryOp(ast.Not(), comparison(node, first, second)))
            case In(operand=operand) if operand.nullable:
                code, found = self._found(node)
                return unless([is_none(code)], ast.UnaryOp(ast.Not(), found))
            case _ if not node.nullable:
                return ast.UnaryOp(ast.Not(), self._plain_truth(node))
            case _:
                return is_same(self._simple(node), False)

    def _plain_truth(self, node: Node) -> ast.expr:
        match node:
            case IsNull(operand=operand, negated=negated):
                missing = is_none(self._simple(operand))
                return ast.UnaryOp(ast.Not(), missing) if negated else missing
            case In(operand=operand):
                code, found = self._found(node)
                return unless([is_none(code)] if operand.nullable else [], found)
            case _ if not node.nullable:
                return self._value(node)
            case _:
                return is_same(self._simple(node), True)

    def _found(self, node: In) -> tuple[ast.expr, ast.expr]:
        code = self._simple(node.operand)
        listed = ast.Tuple([ast.Constant(value) for value in node.values], ast.Load())
        return code, ast.Compare(code, [ast.In()], [listed])

    def _compared(self, node: Comparison, left: ast.expr | None) -> tuple[ast.expr, ast.expr, list[ast.expr]]:
        """Return both sides of a comparison, as DOUBLE where one is, and the tests of what is missing."""
        make = self._simple if node.left.nullable or node.right.nullable else self._value
        left = left or make(node.left)
        right = make(node.right)
        missing = [is_none(code) for side, code in ((node.left, left), (node.right, right)) if side.nullable]
        if SqlType.DOUBLE in (node.left.type, node.right.type):
            left, right = as_double(node.left, left), as_double(node.right, right)
        return left, right, missing

    def _ranged(self, kind: SqlType, code: ast.expr) -> ast.expr:
        """Return an integer's code that refuses what its type cannot hold."""
        low, high = INT_RANGE if kind is SqlType.INT else BIGINT_RANGE
        name = self._fresh()
        within = ast.Compare(ast.Constant(low), [ast.LtE(), ast.LtE()], [ast.NamedExpr(store(name), code), ast.Constant(high)])
        return ast.IfExp(within, load(name), call("overflow", ast.Constant(kind.value)))

    def _simple(self, node: Node) -> ast.expr:
        return self._kept(self._value(node))

    def _kept(self, code: ast.expr) -> ast.expr:
        """Return a name or a constant for some code, which is computed once."""
        if isinstance(code, (ast.Name, ast.Constant)):
            return code
        name = self._fresh()
        self._block.append(ast.Assign([store(name)], code))
        return load(name)

    def _within(self, write: Callable[[], ast.expr]) -> tuple[ast.expr, list[ast.stmt]]:
        """Write code whose statements do not run unless their block does."""
        outer, computed, self._block, self._computed = self._block, self._computed, [], self._computed.copy()
        try:
            return write(), self._block
        finally:
            self._block, self._computed = outer, computed

    def _fresh(self) -> str:
        self._variables += 1
        return f"part_{self._variables}"
