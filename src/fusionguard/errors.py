"""The errors a user can meet: each says what was wrong, what would be right, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FusionGuardError(Exception):
    """Base of every expected failure; front doors print it without a traceback and exit with ``exit_status``."""

    exit_status = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}".strip()


class UsageError(FusionGuardError):
    """The command cannot mean anything: an unknown pipeline, stack, key or file."""

    exit_status = 2


class UnknownChoiceError(UsageError):
    """A name that is not among the valid ones; ``choices`` holds those."""

    def __init__(self, kind: str, given: str, choices: Iterable[str]) -> None:
        self.kind, self.given, self.choices = kind, given, sorted(choices)
        super().__init__(
            f"Unknown {kind} '{given}'.", f"{did_you_mean(given, self.choices)}Valid choices: {', '.join(self.choices)}."
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.kind, self.given, self.choices))


def did_you_mean(given: str, choices: Iterable[str]) -> str:
    """Return a question that names the choice most like what was given, with a blank behind it, or nothing where none is near."""
    near = nearest(given, choices)
    return "" if near is None else f"Did you mean '{near}'? "


def nearest(given: str, choices: Iterable[str]) -> str | None:
    """Return the choice that is written most like what was given, None where none is near."""
    by_lower = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(given.strip().lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None


class DataError(FusionGuardError):
    """Input that cannot be read as what it claims to be."""


class SourceError(FusionGuardError):
    """A data source that is absent, refuses, or sends something broken."""


class StorageError(FusionGuardError):
    """A disk that is full, a folder that cannot be written, a store that is damaged."""


class BundleError(FusionGuardError):
    """A model bundle that is incomplete, altered or of an unknown format."""


class RegistryError(FusionGuardError):
    """An MLflow registry that is unreachable, damaged, or does not hold what was asked for."""


class MissingExtraError(FusionGuardError):
    """Packages of an extra are not installed; ``extra`` and ``packages`` name them."""

    def __init__(self, wanted_by: str, extra: str, packages: Iterable[str]) -> None:
        self.wanted_by, self.extra, self.packages = wanted_by, extra, tuple(packages)
        named = self.packages[0] if len(self.packages) == 1 else f"{', '.join(self.packages[:-1])} and {self.packages[-1]}"
        super().__init__(f"{wanted_by} needs {named}.", f"Install what is missing: {install_command(extra)}")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.wanted_by, self.extra, self.packages))


def install_command(extra: str) -> str:
    """Return the command that adds an extra to an installed FusionGuard; without a name, the one that mends its own packages."""
    return f"pip install 'fusionguard[{extra}]'" if extra else "pip install fusionguard"
