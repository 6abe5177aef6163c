"""Formulas of derived features, such as ``balance / (salary + 1000)``: read into a tree of their own, never run as Python or SQL.

Besides numbers and names of columns (in double quotes where they are no plain words) there are ``+ - * / %``, parentheses,
comparisons that give 1 or 0, and the functions ``floor`` and ``abs``. What has a missing part, or a divisor of 0, is missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

FUNCTIONS = ("abs", "floor")
LONGEST = 500
_DEEPEST = 20
_COMPARISONS = ("<=", ">=", "!=", "=", "<", ">")
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)|(?P<name>[^\W\d]\w*)|"(?P<quoted>(?:[^"]|"")+)\""""
    r"""|(?P<sign><=|>=|!=|[-+*/%()<>=]))"""
)


@dataclass(frozen=True)
class Number:
    """A number that is written in the formula."""

    value: float


@dataclass(frozen=True)
class Column:
    """The value of a column in the same row."""

    name: str


@dataclass(frozen=True)
class Operation:
    """An operator or function and what it is applied to: one node for a sign or a function, else two."""

    operator: str
    operands: tuple[Expression, ...]


Expression = Number | Column | Operation


def parse_expression(text: str) -> Expression:
    """Return the tree of a formula; raise :class:`ValueError` that says what is wrong and where, counted from 1."""
    if len(text) > LONGEST:
        raise ValueError(f"a formula has {LONGEST} characters at most")
    parser = _Parser(list(_tokens(text)))
    tree = parser.comparison(0)
    if parser.at < len(parser.tokens):
        raise parser.unexpected()
    return tree


def columns_of(tree: Expression) -> tuple[str, ...]:
    """Return the columns that a formula reads, each once, in the order in which it names them."""
    if isinstance(tree, Column):
        return (tree.name,)
    if isinstance(tree, Operation):
        return tuple(dict.fromkeys(name for operand in tree.operands for name in columns_of(operand)))
    return ()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    place: int


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            place = at + len(text[at:]) - len(text[at:].lstrip())
            raise ValueError(f"character {place + 1}, {text[place]!r}, cannot be part of a formula")
        kind = str(found.lastgroup)
        yield _Token(kind, found[kind].replace('""', '"') if kind == "quoted" else found[kind], found.start(kind) + 1)
        at = found.end()


@dataclass
class _Parser:
    """Recursive descent: comparison, sum, product, sign, part."""

    tokens: list[_Token]
    at: int = field(default=0)

    def comparison(self, depth: int) -> Expression:
        left = self._chain(depth, ("+", "-"))
        if sign := self._take(*_COMPARISONS):
            left = Operation(sign, (left, self._chain(depth, ("+", "-"))))
        return left

    def unexpected(self) -> ValueError:
        if self.at >= len(self.tokens):
            return ValueError("the formula ends too early")
        token = self.tokens[self.at]
        return ValueError(f"{token.text!r} at character {token.place} does not belong there")

    def _chain(self, depth: int, signs: tuple[str, ...]) -> Expression:
        inner = signs == ("+", "-")
        left = self._chain(depth, ("*", "/", "%")) if inner else self._signed(depth)
        while sign := self._take(*signs):
            left = Operation(sign, (left, self._chain(depth, ("*", "/", "%")) if inner else self._signed(depth)))
        return left

    def _signed(self, depth: int) -> Expression:
        if depth > _DEEPEST:
            raise ValueError(f"a formula is nested {_DEEPEST} deep at most")
        if self._take("-"):
            return Operation("-", (self._signed(depth + 1),))
        return self._part(depth)

    def _part(self, depth: int) -> Expression:
        if self.at >= len(self.tokens):
            raise self.unexpected()
        token = self.tokens[self.at]
        if self._take("("):
            return self._closed(depth)
        if token.kind not in ("number", "name", "quoted"):
            raise self.unexpected()
        self.at += 1
        if token.kind == "number":
            if math.isinf(value := float(token.text)):
                raise ValueError(f"{token.text} is too large a number")
            return Number(value)
        if token.kind == "name" and self._take("("):
            if token.text not in FUNCTIONS:
                raise ValueError(f"there is no function {token.text!r}; there are {' and '.join(FUNCTIONS)}")
            return Operation(token.text, (self._closed(depth),))
        return Column(token.text)

    def _closed(self, depth: int) -> Expression:
        inside = self.comparison(depth + 1)
        if not self._take(")"):
            raise ValueError("a parenthesis is not closed") if self.at >= len(self.tokens) else self.unexpected()
        return inside

    def _take(self, *signs: str) -> str:
        if self.at < len(self.tokens) and self.tokens[self.at].kind == "sign" and self.tokens[self.at].text in signs:
            self.at += 1
            return self.tokens[self.at - 1].text
        return ""
