"""YAML as plain keys and values that remember their lines: without tags, anchors and all that makes it more than it shows.

A word is a text unless it is a number, ``true``, ``false``, ``null`` or nothing: ``no`` and ``on`` are texts, for they are
codes of countries and answers in tables; so are ``0123`` and ``12:30``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from fusionguard.datasets.declaration import Place
from fusionguard.datasets.faults import Fault

LARGEST_BYTES = 1 << 20
_DEEPEST = 12
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_BOM = b"\xef\xbb\xbf"


class NotPlainYamlError(Exception):
    """Text that is no plain YAML mapping; ``faults`` say why."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults)
        self.faults = faults


@dataclass
class YamlTree:
    """A mapping read from YAML.

    Parameters
    ----------
    content
        Its keys, as texts, and values.
    lines
        The line, from 1, of each key and of each value in a list.
    """

    content: dict[str, Any]
    lines: dict[Place, int] = field(default_factory=dict)

    def line(self, place: Place) -> int:
        """Return the line of a place or, where it is not in the file, of the nearest one around it."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_tree(raw: bytes) -> YamlTree:
    """Return the mapping that YAML text holds.

    Raises
    ------
    NotPlainYamlError
        It is no UTF-8 text, no YAML, or no mapping, a key is there twice, or it has aliases, tags or several documents.
    """
    text = _text(raw)
    try:
        builder = _Builder(yaml.parse(text, Loader=yaml.SafeLoader))
        content = builder.document()
    except yaml.YAMLError as error:
        raise NotPlainYamlError([_syntax_fault(text, error)]) from None
    if content is None and not builder.faults:
        raise NotPlainYamlError([Fault(1, "it is empty; it must hold keys and values, the first of them `version: 1`")])
    if not isinstance(content, dict) and not builder.faults:
        held = "a list" if isinstance(content, list) else "a single value"
        raise NotPlainYamlError([Fault(builder.first_line, f"it holds {held}; it must hold keys and values")])
    if builder.faults:
        raise NotPlainYamlError(builder.faults)
    assert isinstance(content, dict)
    return YamlTree(content, builder.lines)


def _text(raw: bytes) -> str:
    if len(raw) > LARGEST_BYTES:
        raise NotPlainYamlError([Fault(1, f"it has {len(raw):,} bytes; a declaration has {LARGEST_BYTES:,} at most")])
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotPlainYamlError([Fault(1, "it is UTF-16 text; save it as UTF-8")])
    try:
        return raw.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.removeprefix(_BOM).count(b"\n", 0, error.start) + 1
        raise NotPlainYamlError([Fault(line, "it is not UTF-8 text; save it as UTF-8")]) from None


def _syntax_fault(text: str, error: yaml.YAMLError) -> Fault:
    if isinstance(error, yaml.reader.ReaderError):  # libyaml is not used: its errors have no positions of characters
        line = text.count("\n", 0, error.position) + 1
        return Fault(line, f"it holds the control character U+{ord(text[error.position]):04X}; remove it")
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else 1
    problem = str(getattr(error, "problem", None) or "it cannot be read")
    if "'\\t'" in problem:
        return Fault(line, "it holds a tab where YAML allows none; indent with blanks")
    return Fault(line, f"it is no YAML: {problem}")


class _Builder:
    """Builds keys and values from YAML's events, which come without recursion, and notes what a declaration must not hold."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self.lines: dict[Place, int] = {}
        self.faults: list[Fault] = []
        self.first_line = 1

    def document(self) -> Any:
        """Return what the only document holds."""
        content, documents = None, 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, "it holds a second document; a file is one declaration")
                    break
                first = next(self._events)
                self.first_line = _line(first)
                content = self._value(first, ())
        return content

    def _value(self, event: Any, place: Place) -> Any:
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"it refers to another place with *{event.anchor}; write out what is meant")
            return None
        if event.anchor is not None:
            self._refuse(event, f"it has the anchor &{event.anchor}; write out what is meant")
        if event.tag is not None:
            self._refuse(event, f"it has the tag {event.tag}; write the plain value")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event.value) if event.style is None else event.value
        if len(place) >= _DEEPEST:
            mark = event.start_mark
            raise yaml.MarkedYAMLError(problem=f"it is nested more than {_DEEPEST} deep", problem_mark=mark)
        return self._sequence(place) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(place)

    def _sequence(self, place: Place) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            inner = (*place, len(values))
            self.lines[inner] = _line(event)
            values.append(self._value(event, inner))
        return values

    def _mapping(self, place: Place) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise yaml.MarkedYAMLError(problem="a key must be a single word or text", problem_mark=event.start_mark)
            key, line = event.value, _line(event)
            self._value(event, place)
            inner = (*place, key)
            if key in values:
                at = ".".join(str(part) for part in inner)
                self._refuse(event, f"'{at}' is there twice, first in line {self.lines[inner]}; keep one")
                inner = (*place, key, "again")  # what is below it is looked at, too, and says its own line
            self.lines[inner] = line
            value = self._value(next(self._events), inner)
            values.setdefault(key, value)
        return values

    def _refuse(self, event: Any, what: str) -> None:
        self.faults.append(Fault(_line(event), what))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and len(text) < 20:
        return int(text)
    number = _FLOAT.fullmatch(text) and not _LEADING_ZERO.fullmatch(text) and math.isfinite(float(text))
    return float(text) if number else text
