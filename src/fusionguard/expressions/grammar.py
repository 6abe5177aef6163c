"""The grammar: words in, a checked tree out. What binds loosest is read first: OR, AND, NOT, comparisons, ``+ -``, ``* / %``."""

from __future__ import annotations

from collections.abc import Callable

from fusionguard.expressions.checking import FUNCTIONS, Checker
from fusionguard.expressions.errors import ExpressionError
from fusionguard.expressions.tokens import Token, tokens_of
from fusionguard.expressions.tree import Constant, Node, SqlType

DEEPEST = 60
"""How deep parentheses, calls and conditions may stand in each other."""

LONGEST_CHAIN = 200
"""How many terms of a sum or factors of a product may follow each other."""

_TYPES = {
    "INT": SqlType.INT,
    "INTEGER": SqlType.INT,
    "BIGINT": SqlType.BIGINT,
    "DOUBLE": SqlType.DOUBLE,
    "VARCHAR": SqlType.VARCHAR,
}
_KEYWORDS = frozenset(
    [
        "SELECT",
        "FROM",
        "AS",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "AND",
        "OR",
        "NOT",
        "IS",
        "NULL",
        "IN",
        "CAST",
        "TRUE",
        "FALSE",
        "WHERE",
        "GROUP",
        "ORDER",
        "BY",
        "HAVING",
        "JOIN",
        "ON",
        "UNION",
        "LIMIT",
        "OVER",
        "PARTITION",
        "DISTINCT",
        "BETWEEN",
        "LIKE",
    ]
)
_COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")


class Grammar:
    """Reads a text from left to right."""

    def __init__(self, checker: Checker, *, comments: bool) -> None:
        self._make = checker
        self._tokens = tokens_of(checker.text, comments=comments)
        self._place = self._depth = 0
        self.positions: dict[str, int] = {}
        """Where the columns that :meth:`rows_query` has read begin in the text."""

    def whole_expression(self) -> Node:
        """Read an expression and nothing behind it."""
        found = self._expression()
        self._end("an operator or the end")
        return found

    def rows_query(self) -> dict[str, Node]:
        """Read ``SELECT expression AS name, ... FROM raw``."""
        self._expect("SELECT")
        columns: dict[str, Node] = {}
        while True:
            first = self._now
            value = self._expression()
            if self._take("AS"):
                name = self._name("the column's name")
            elif first.kind == "name" and self._tokens[self._place - 1] is first:
                name = first
            else:
                raise self._unexpected("AS and a name")
            if name.value in columns:
                raise self._make.error(name, f"the column '{name.value}' is defined twice")
            columns[name.value], self.positions[name.value] = value, first.position
            if not self._take(","):
                break
        self._expect("FROM")
        source = self._name("raw")
        if source.value != "raw":
            raise self._make.error(source, f"rows are made from '{source.value}'", "Write FROM raw.")
        self._end("the end")
        return columns

    @property
    def _now(self) -> Token:
        return self._tokens[self._place]

    def _take(self, *words: str) -> Token | None:
        token = self._now
        if not token.is_word(*words):
            return None
        self._place += 1
        return token

    def _expect(self, word: str) -> Token:
        token = self._take(word)
        if token is None:
            raise self._unexpected(f"'{word}'")
        return token

    def _name(self, wanted: str) -> Token:
        token = self._now
        if token.kind != "name" or token.value.upper() in _KEYWORDS:
            raise self._unexpected(wanted)
        self._place += 1
        return token

    def _end(self, wanted: str) -> None:
        if self._now.kind != "end":
            raise self._unexpected(wanted)

    def _unexpected(self, wanted: str) -> ExpressionError:
        token = self._now
        word = token.value.upper()
        if token.kind == "end":
            return self._make.error(token, f"the text ends where {wanted} should stand")
        if token.kind == "name" and word in ("SELECT", "WHERE", "JOIN", "GROUP", "OVER", "UNION", "ORDER", "DISTINCT"):
            return self._make.error(token, f"{word} is not allowed in an expression", "An expression looks at one row alone.")
        if word == "BETWEEN":
            return self._make.error(token, "BETWEEN is not known here", "Write x >= low AND x <= high.")
        return self._make.error(token, f"'{token.value}' stands where {wanted} should")

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._make.error(self._now, f"more than {DEEPEST} expressions within each other", "Divide it into several.")
        found = self._joined("OR", lambda: self._joined("AND", self._negation))
        self._depth -= 1
        return found

    def _joined(self, word: str, read: Callable[[], Node]) -> Node:
        operands = [read()]
        first = self._now
        while self._take(word):
            operands.append(read())
        return self._make.logic(first, operands) if len(operands) > 1 else operands[0]

    def _negation(self) -> Node:
        token = self._take("NOT")
        if token is None:
            return self._comparison()
        if self._now.is_word("NOT"):
            raise self._make.error(self._now, "two NOTs", "Remove both.")
        return self._make.negation(token, self._comparison())

    def _comparison(self) -> Node:
        left = self._chain(("+", "-"), lambda: self._chain(("*", "/", "%"), self._signed))
        if token := self._take(*_COMPARISONS):
            right = self._chain(("+", "-"), lambda: self._chain(("*", "/", "%"), self._signed))
            found = self._make.comparison(token, left, right)
            if self._now.is_word(*_COMPARISONS):
                raise self._make.error(self._now, "a comparison of a comparison", "Join two comparisons with AND.")
            return found
        if self._take("IS"):
            negated = self._take("NOT") is not None
            self._expect("NULL")
            return self._make.is_null(left, negated=negated)
        negated_in = self._now if self._now.is_word("NOT") and self._tokens[self._place + 1].is_word("IN") else None
        if negated_in:
            self._place += 1
        if token := self._take("IN"):
            self._expect("(")
            values = [self._signed()]
            while self._take(","):
                values.append(self._signed())
            self._expect(")")
            found = self._make.membership(token, left, values)
            return self._make.negation(negated_in, found) if negated_in else found
        return left

    def _chain(self, signs: tuple[str, ...], read: Callable[[], Node]) -> Node:
        found, links = read(), 0
        while token := self._take(*signs):
            links += 1
            if links > LONGEST_CHAIN:
                raise self._make.error(token, f"more than {LONGEST_CHAIN} terms in a row", "Put parts between parentheses.")
            found = self._make.arithmetic(token, found, read())
        return found

    def _signed(self) -> Node:
        minus = self._take("-")
        if minus is None:
            return self._value()
        if self._now.is_word("-"):
            raise self._make.error(self._now, "two signs", "Remove both.")
        return self._make.negative(minus, self._value())

    def _value(self) -> Node:
        token = self._now
        if token.kind in ("integer", "decimal", "double"):
            self._place += 1
            return self._make.number(token)
        if token.kind == "text":
            self._place += 1
            return Constant(SqlType.VARCHAR, False, token.value)
        if self._take("TRUE", "FALSE"):
            return Constant(SqlType.BOOLEAN, False, token.value.upper() == "TRUE")
        if self._take("NULL"):
            return Constant(SqlType.NULL, True, None)
        if self._take("("):
            found = self._expression()
            self._expect(")")
            return found
        if self._take("CASE"):
            return self._case(token)
        if self._take("CAST"):
            return self._cast(token)
        name = self._name("a value")
        return self._call(name) if self._take("(") else self._make.column(name)

    def _case(self, token: Token) -> Node:
        if not self._now.is_word("WHEN"):
            raise self._unexpected("WHEN")
        whens = []
        while self._take("WHEN"):
            condition = self._expression()
            self._expect("THEN")
            whens.append((condition, self._expression()))
        default = self._expression() if self._take("ELSE") else None
        self._expect("END")
        return self._make.case(token, whens, default)

    def _cast(self, token: Token) -> Node:
        self._expect("(")
        operand = self._expression()
        self._expect("AS")
        named = self._now
        kind = _TYPES.get(named.value.upper()) if named.kind == "name" else None
        if kind is None:
            raise self._make.error(named, f"there is no type '{named.value}'", "Types: INT, BIGINT, DOUBLE, VARCHAR(20).")
        self._place += 1
        if kind is SqlType.VARCHAR:
            if self._take("("):
                if self._now.kind != "integer":
                    raise self._unexpected("a length")
                self._place += 1
                self._expect(")")
            elif self._make.portable:
                raise self._make.error(named, "Spark wants a length of VARCHAR", "Write VARCHAR(20).")
        self._expect(")")
        return self._make.cast(token, operand, kind)

    def _call(self, name: Token) -> Node:
        operands = []
        if not self._take(")"):
            operands.append(self._expression())
            while self._take(","):
                operands.append(self._expression())
            self._expect(")")
        return self._make.call(name, operands)


KEYWORDS = _KEYWORDS | set(FUNCTIONS)
