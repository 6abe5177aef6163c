"""Reads a declaration from its file, and tells everything that is wrong with it at once, each with its line."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fusionguard.datasets.contradictions import contradictions
from fusionguard.datasets.declaration import Declaration, Place
from fusionguard.datasets.faults import DeclarationError, Fault
from fusionguard.datasets.field_faults import field_fault
from fusionguard.datasets.own_sql import own_faults, read_own_sql
from fusionguard.datasets.reserved_names import reserved_name
from fusionguard.datasets.upgrade import shown, upgraded
from fusionguard.datasets.yaml_tree import LARGEST_BYTES, NotPlainYamlError, YamlTree, read_tree
from fusionguard.errors import UsageError, did_you_mean
from fusionguard.files import check_name

FILE_NAME = "declaration.yaml"
"""What the declaration is called in a data set's folder."""

_NAMES_NOTHING = frozenset(
    [
        "version",
        "name",
        "problem",
        "rows",
        "csv",
        "kaggle",
        "simulated",
        "unique",
        "sampling",
        "protected",
        "calendar",
        "validation",
        "without_history",
    ]
)
_BY_NAME = ("entities", "numeric", "categorical", "derived", "bands", "windows")


@dataclass(frozen=True)
class DeclaredDataset:
    """A declaration, and where it was written.

    Parameters
    ----------
    file
        What messages call the file.
    lines
        The line of each key and of each value in a list.
    folder
        Where its own files lie; None for a declaration that is not on disk.
    """

    declaration: Declaration
    file: str
    lines: Mapping[Place, int] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    text: str = field(default="", repr=False)
    """As it was written."""
    sql: str | None = field(default=None, repr=False)
    """The text of its own SQL; None where it has none, and where nobody could read it."""

    def line(self, place: Place) -> int | None:
        """Return the line of a place or of the nearest one around it; None where the declaration was not read from text."""
        return YamlTree({}, dict(self.lines)).line(place) if self.lines else None


def read_declaration(path: Path, problems: Collection[str] | None = None) -> DeclaredDataset:
    """Read the declaration in a YAML file, or in the ``declaration.yaml`` of a folder.

    Parameters
    ----------
    problems
        The names of the families that there are; any name is right where none are given.

    Raises
    ------
    UsageError
        There is no such file, or it may not be read.
    DeclarationError
        It is no declaration; ``faults`` are all that are wrong with it.
    """
    file = path / FILE_NAME if path.is_dir() else path
    check_name(file)
    if not file.is_file():
        looked = f"The folder '{path}' holds no {FILE_NAME}." if path.is_dir() else f"There is no declaration '{path}'."
        raise UsageError(looked, "Name a YAML file that declares a data set, or a folder with one.")
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST_BYTES + 1)
    except PermissionError:
        raise UsageError(f"You may not read '{file}'.", "Change its permissions, or ask its owner to.") from None
    shown_name = f"{file.parent.name}/{file.name}" if file.name == FILE_NAME and file.parent.name else file.name
    return parse_declaration(raw, shown_name, folder=file.parent, problems=problems)


def parse_declaration(
    raw: bytes | str,
    file: str = FILE_NAME,
    *,
    folder: Path | None = None,
    problems: Collection[str] | None = None,
    sql: str | None = None,
) -> DeclaredDataset:
    """Return the declaration that YAML text holds; raise :class:`DeclarationError` as :func:`read_declaration` does.

    Parameters
    ----------
    folder
        Where its own files lie.
    sql
        The text of its own SQL, where that was read before and there is no folder.
    """
    try:
        tree = read_tree(raw.encode() if isinstance(raw, str) else raw)
    except NotPlainYamlError as error:
        raise DeclarationError(file, error.faults) from None
    try:
        content = upgraded(tree.content)
    except ValueError as error:
        raise DeclarationError(file, [Fault(tree.line(("version",)), str(error))]) from None
    declaration, faults = _validated(content, tree)
    if "validation" in content and content["validation"] is None:
        faults.append(Fault(tree.line(("validation",)), "validation is empty; write {} for what is usual, or remove it"))
    if declaration is not None:
        faults += [Fault(tree.line(place), what) for place, what in contradictions(declaration, tree.line)]
        sql, wrong = _own_sql(declaration, folder, sql)
        faults += [Fault(tree.line(place), what) for place, what in wrong]
        if (taken := reserved_name(declaration, problems or ())) is not None:
            faults.append(Fault(tree.line(("name",)), f"name is {shown(declaration.name)}; {taken}"))
    problem = content.get("problem")
    if problems is not None and isinstance(problem, str) and problem not in problems:
        near = did_you_mean(problem, problems).strip()
        known = f"it must be one of {', '.join(sorted(problems))}{f'. {near}' if near else ''}"
        faults.append(Fault(tree.line(("problem",)), f"problem is {shown(problem)}; {known}"))
    if faults or declaration is None:
        raise DeclarationError(file, faults)
    return DeclaredDataset(declaration, file, tree.lines, folder, raw if isinstance(raw, str) else raw.decode(), sql)


def _validated(content: dict[str, Any], tree: YamlTree) -> tuple[Declaration | None, list[Fault]]:
    """Return the declaration and its wrong fields: without them where it can be looked at further, else None."""
    try:
        return Declaration.model_validate(content), []
    except ValidationError as error:
        wrong = [field_fault(each) for each in error.errors(include_url=False)]
    faults = [Fault(tree.line(place), what) for place, what in wrong]
    if any(_names_something(place) for place, _ in wrong):
        return None, faults  # what refers to it would only seem wrong
    try:
        return Declaration.model_validate(_without(content, [place for place, _ in wrong])), faults
    except ValidationError:
        return None, faults


def _names_something(place: Place) -> bool:
    """Whether a place gives a column its role, a name its meaning, or windows the outcomes that they may see."""
    if place[:2] == ("label", "known"):
        return True
    return place[0] in _BY_NAME if len(place) == 2 else len(place) == 1 and place[0] not in _NAMES_NOTHING


def _without(content: dict[str, Any], places: list[Place]) -> dict[str, Any]:
    kept = copy.deepcopy(content)
    for place in places:
        inner: Any = kept
        for part in place[:-1]:
            inner = inner.get(part) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner.pop(place[-1], None)
    return kept


def _own_sql(declaration: Declaration, folder: Path | None, text: str | None) -> tuple[str | None, list[tuple[Place, str]]]:
    """Return the text of a declaration's own SQL, read from its folder where there is one, and what is wrong with it."""
    if declaration.sql is None:
        return None, []
    try:
        text = text if folder is None else read_own_sql(declaration.sql, folder)
    except ValueError as error:
        return None, [(("sql", "rows"), f"sql.rows is {shown(declaration.sql.rows)}; {error}")]
    return text, [] if text is None else list(own_faults(declaration, text))
