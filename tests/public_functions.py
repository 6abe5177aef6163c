"""The public functions of ``fusionguard.api`` as text: ``python -m tests.public_functions`` writes it into examples/README.md."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fusionguard import api

PAGE = Path(__file__).resolve().parents[1] / "examples" / "README.md"
BEGIN, END = "<!-- what follows is written by `python -m tests.public_functions` -->\n", "<!-- until here -->\n"


def listing() -> str:
    """Return the list: a signature and a sentence each; of a class also what it offers, without settings' and reports' fields."""
    return "".join(line for name in dir(api) for line in _described(name, getattr(api, name)))


def written(page: str) -> str:
    """Return the page with today's list in it."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{listing()}\n{END}{rest.partition(END)[2]}"


def _described(name: str, thing: Any) -> Iterator[str]:
    sentence = re.sub(r":\w+:(`[^`]*`)", r"\1", inspect.cleandoc(thing.__doc__).partition("\n")[0]).replace("``", "`")
    if not inspect.isclass(thing):
        yield f"- `{name}{_signature(thing)}`: {sentence}\n"
        return
    fields = ", ".join(f"`{field}`" for field in _fields(thing))
    yield f"- `{name}`: {sentence}{f' Fields: {fields}.' if fields else ''}\n"
    for member, value in _members(thing).items():
        method = value.__func__ if isinstance(value, classmethod) else value
        if member.startswith("_") or issubclass(thing, Exception) or member in _fields(thing):
            continue
        if inspect.isfunction(method):
            yield f"    - `{name}.{member}{_signature(method)}`\n"
        elif isinstance(method, property) or type(method).__name__ == "cached_property":
            yield f"    - `{name}.{member}`\n"


def _members(kind: type) -> dict[str, Any]:
    """Return what a class offers of its own, and before it what it has of another class of ours."""
    ours = [each for each in reversed(kind.__mro__) if each.__module__.startswith("fusionguard.")]
    return {name: value for each in ours for name, value in vars(each).items()}


def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else ()


def _signature(function: Callable[..., Any]) -> str:
    """Write a signature as its source has it, whatever Python prints it."""
    given, words, starred = inspect.signature(function), [], False
    for parameter in given.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            starred = True
            words.append("*")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        words.append(f"{stars}{parameter.name}: {parameter.annotation}{default}")
    return f"({', '.join(words)}) -> {given.return_annotation}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
