"""What is installed on demand: the package's extras, and what is said where a command needs one that is not there."""

from __future__ import annotations

import importlib.metadata
from functools import cache
from typing import TYPE_CHECKING

from fusionguard.errors import MissingExtraError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

BASE = ""
"""What stands for no extra: the packages that FusionGuard always brings."""

_PACKAGE = "fusionguard"


def require_extra(extra: str, wanted_by: str) -> None:
    """Raise :class:`MissingExtraError` where a package of an extra is not installed; ``wanted_by`` begins its message.

    Versions are not looked at, and nothing is imported.
    """
    missing = [each.name for each in requirements().get(extra, ()) if not is_installed(each.name)]
    if missing:
        raise MissingExtraError(wanted_by, extra, missing)


def is_installed(package: str) -> bool:
    """Return whether a package is installed, in whatever version."""
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


@cache
def requirements() -> dict[str, list[Requirement]]:
    """Return what each extra asks for on this system, in the order of ``pyproject.toml``; :data:`BASE` is the first.

    Nothing is asked for where the package runs without being installed, as in a Bento.
    """
    from packaging.requirements import Requirement

    try:
        about = importlib.metadata.metadata(_PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return {}
    asked = [Requirement(line) for line in about.get_all("Requires-Dist") or ()]
    always = [each for each in asked if _applies(each, BASE)]
    extras = about.get_all("Provides-Extra") or ()
    return {BASE: always} | {
        extra: [each for each in asked if _applies(each, extra) and not _applies(each, BASE)] for extra in extras
    }


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})
