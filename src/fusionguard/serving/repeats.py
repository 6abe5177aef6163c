"""Names that a JSON object has twice: a parser keeps one of the values in silence, and not every parser the same one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from fusionguard.serving.problems import MOST_FAULTS, Fault, clip, invalid


def refuse_repeats(body: bytes, texts: int | None) -> None:
    """Refuse a body in which an object has a name twice; raises :class:`ProblemError`.

    Counting costs a fraction of a microsecond a row, looking for the name is left to bodies that are refused.

    Parameters
    ----------
    body
        JSON that was read and checked.
    texts
        How many names and texts it holds where no name is repeated; each has two quotation marks, and a repeated one adds some.
        None where a text may hold quotation marks itself: then it is looked for in any case.
    """
    if texts is not None and body.count(b'"') == 2 * texts:
        return
    try:
        faults = list(islice(_faults(json.loads(body, object_pairs_hook=_mark), ""), MOST_FAULTS))
    except RecursionError:  # in a value that another one of the same name replaces
        faults = []
    if not faults and texts is None:
        return
    raise invalid(faults or [Fault("$", "each name once", "a name twice")])


def count_texts(body: bytes, objects: Iterable[dict[str, Any]]) -> int | None:
    """Return how many names and texts some objects have; None where the body may hold quotation marks that are of neither."""
    if b"\\" in body:
        return None
    texts = 0
    for each in objects:
        texts += len(each)
        for value in each.values():
            kind = type(value)
            if kind is str:
                texts += 1
            elif kind is dict or (kind is list and not {dict, list}.isdisjoint(map(type, value))):
                return None
            elif kind is list:
                texts += sum(type(cell) is str for cell in value)
    return texts


class _Repeating(dict[str, Any]):
    """An object some of whose names came more than once."""

    twice: list[str]


def _mark(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    marked = _Repeating(made)
    marked.twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    return marked


def _faults(content: Any, at: str) -> Iterator[Fault]:
    if isinstance(content, dict):
        before = f"{at}." if at else ""
        if isinstance(content, _Repeating):
            yield from (Fault(before + clip(name), "one value", "more than one") for name in content.twice)
        for name, value in content.items():
            yield from _faults(value, before + clip(name))
    elif isinstance(content, list):
        for place, value in enumerate(content):
            if isinstance(value, dict | list):
                yield from _faults(value, f"{at}[{place}]")
