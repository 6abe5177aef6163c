"""The data sets that ship, each a folder with a declaration like anybody's own, and how one is found by its name or path."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path

from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.reading import FILE_NAME, DeclaredDataset, read_declaration
from fusionguard.datasets.shipped import other_names
from fusionguard.errors import UsageError, did_you_mean

_SHIPPED = Path(__file__).parent


@cache
def shipped_names() -> tuple[str, ...]:
    """Return the names of the data sets that ship."""
    return tuple(sorted(file.parent.name for file in _SHIPPED.glob(f"*/{FILE_NAME}")))


def find_dataset(name_or_path: str, problems: Collection[str] | None = None) -> DeclaredDataset:
    """Return the declaration of a data set that ships, by its name, or of a YAML file or a folder with one.

    A bare word is a name; a path has a slash in it, or ends with ``.yaml`` or ``.yml``.

    Raises
    ------
    UsageError
        There is no such name, file or folder; the message names the nearest one.
    DeclarationError
        The declaration is wrong.
    """
    if name_or_path in shipped_names():
        return read_declaration(_SHIPPED / name_or_path, problems)
    path = Path(name_or_path).expanduser()
    looks_like_path = "/" in name_or_path or "\\" in name_or_path or path.suffix.lower() in (".yaml", ".yml")
    if looks_like_path:
        return read_declaration(path, problems)
    known = f"Valid choices: {', '.join(shipped_names())}, or the path of a declaration: FILE.yaml or a folder."
    beside = f" A path of that name is written './{name_or_path}'." if path.exists() else ""
    raise UsageError(f"Unknown data set '{name_or_path}'.{beside}", f"{did_you_mean(name_or_path, shipped_names())}{known}")


def shipped_name(problem: str) -> str:
    """Return the name of the data set that is a problem's own; of a problem without one, the problem's."""
    return next((name for name, of in other_names().items() if of == problem), problem)


def is_built_in(declaration: Declaration) -> bool:
    """Whether a data set has a layout, contract and features of its own beside its declaration, as a problem's own one has.

    Rows of all others, one that ships as a declaration alone among them, are prepared by what is declared. Reading a declaration
    refuses the names of those that ship to any other.
    """
    return declaration.name in other_names()
