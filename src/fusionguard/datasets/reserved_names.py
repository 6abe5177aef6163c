"""Names that a data set may not have: models, pipelines and routes are called so."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path

from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.shipped import dataset_names, declared_names, other_names
from fusionguard.datasets.yaml_tree import read_tree

_TAKEN = frozenset({"assistant", "docs", "health", "metrics", "models", "monitoring", "v1"})
"""A pipeline, and what services answer under these names."""
_PREFIX = "fusionguard-"
"""Registered models' names begin so."""


def reserved_name(declaration: Declaration, problems: Collection[str] = ()) -> str | None:
    """Return what is wrong with a data set's name, where it would be taken for something else; ``problems`` are kinds of models.

    That of a data set that ships is right for its own declaration alone.
    """
    name = declaration.name
    if name in (*other_names(), *declared_names()):
        same = declaration == _shipped(name)
        return None if same else "a data set that ships is called so, and this is not its declaration; choose another name"
    if name in _TAKEN or name in problems or name in dataset_names():
        return "something else of FusionGuard is called so; choose another name"
    return f"no name may begin with {_PREFIX}, as those of registered models do" if name.startswith(_PREFIX) else None


@cache
def _shipped(name: str) -> Declaration:
    file = Path(__file__).parent / name / "declaration.yaml"
    return Declaration.model_validate(read_tree(file.read_bytes()).content)
