"""What is wrong with a declaration, or between it and a table: faults with their lines, and errors that tell them all at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fusionguard.errors import DataError, UsageError


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Parameters
    ----------
    line
        The line of the file, from 1; None where the declaration is not in a file.
    what
        What is wrong and what would be right.
    column, row
        Where a table contradicts: the column, and its first row, from 0; None where no single one does.
    """

    line: int | None
    what: str
    column: str | None = None
    row: int | None = None


class DeclarationError(UsageError):
    """A declaration that cannot be used; ``file`` names it, ``faults`` are all that were found, in the order of the file."""

    def __init__(self, file: str, faults: Iterable[Fault]) -> None:
        self.file, self.faults = file, _in_order(faults)
        super().__init__(_written(file, self.faults))

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.file, self.faults))


class ContradictionError(DataError):
    """A table that is not what its declaration says; ``file`` names the declaration, ``faults`` say both sides."""

    def __init__(self, file: str, faults: Iterable[Fault]) -> None:
        self.file, self.faults = file, _in_order(faults)
        super().__init__(_written(file, self.faults))

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.file, self.faults))


def _in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    found = tuple(sorted(set(faults), key=lambda fault: (fault.line or 0, fault.what)))
    if not found:
        raise ValueError("an error of a declaration must say what is wrong, and there is no fault")
    return found


def _written(file: str, faults: Iterable[Fault]) -> str:
    places = ((f"{file}, line {fault.line}" if fault.line is not None else file, fault.what) for fault in faults)
    return "\n".join(f"{place}: {what}" for place, what in places)
