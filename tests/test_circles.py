"""No file needs, over others, a file that needs it: each can be read, tested and moved with what is below it alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (ROOT / "src" / "fusionguard", ROOT / "steps", ROOT / "pipelines", ROOT / "materializers", ROOT / "stacks")


def _modules(packages: tuple[Path, ...]) -> dict[str, Path]:
    """Return every file by the name that it is imported by; of a package, that is its ``__init__``."""
    found = {}
    for package in packages:
        for file in sorted(package.rglob("*.py")):
            parts = file.relative_to(package.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def _imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports below a node, those in functions too, but for what only a type checker runs."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _imports(other)
        else:
            yield from _imports(child)


def _needs(name: str, file: Path, modules: dict[str, Path]) -> set[str]:
    needed = set()
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in _imports(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            needed |= {alias.name for alias in node.names}
            continue
        base = package
        for _ in range(node.level - 1):
            base = base.rpartition(".")[0]
        base = ".".join(filter(None, (base if node.level else "", node.module)))
        needed |= {inside if (inside := f"{base}.{alias.name}") in modules else base for alias in node.names}
    return (needed & set(modules)) - {name}


def circles(packages: tuple[Path, ...]) -> list[list[str]]:
    """Return the sets of files that need one another, over others or at once."""
    modules = _modules(packages)
    needs = {name: _needs(name, file, modules) for name, file in modules.items()}
    reached: dict[str, set[str]] = {}
    for name in needs:
        seen, ahead = set(), [name]
        while ahead:
            for each in needs[ahead.pop()] - seen:
                seen.add(each)
                ahead.append(each)
        reached[name] = seen
    tied = {name: sorted(other for other in below if name in reached[other]) for name, below in reached.items()}
    return [list(group) for group in sorted({tuple(group) for group in tied.values() if group})]


def test_there_is_no_circle_of_imports() -> None:
    assert circles(PACKAGES) == []


def test_a_circle_is_found_in_functions_and_not_in_what_types_alone_need(tmp_path: Path) -> None:
    package = tmp_path / "house"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "roof.py").write_text("from house.wall import stone\n")
    (package / "wall.py").write_text("def build():\n    from . import floor\n    return floor\n")
    (package / "floor.py").write_text("import house.roof\n")
    (package / "door.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.key import Key\nfrom house.wall import build\n"
    )
    (package / "key.py").write_text("from house.door import lock\n")
    assert circles((package,)) == [["house.floor", "house.roof", "house.wall"]]
