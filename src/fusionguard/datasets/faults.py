"""What is wrong with a declaration: a list of faults, each with its line, and the error that tells all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fusionguard.errors import UsageError


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong.

    Parameters
    ----------
    line
        The line of the file, from 1; None where the declaration is not in a file.
    what
        What is wrong and what would be right.
    """

    line: int | None
    what: str


class DeclarationError(UsageError):
    """A declaration that cannot be used; ``file`` names it, ``faults`` are all that were found, in the order of the file."""

    def __init__(self, file: str, faults: Iterable[Fault]) -> None:
        self.file = file
        self.faults = tuple(sorted(set(faults), key=lambda fault: (fault.line or 0, fault.what)))
        super().__init__("\n".join(self._written(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.file, self.faults))

    def _written(self, fault: Fault) -> str:
        return f"{self.file}, line {fault.line}: {fault.what}" if fault.line is not None else f"{self.file}: {fault.what}"
