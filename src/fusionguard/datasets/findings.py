"""Collects what a table holds against its declaration, each as one sentence that says both sides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fusionguard.datasets.contradictions import dotted
from fusionguard.datasets.declaration import Declaration, Place
from fusionguard.datasets.faults import Fault
from fusionguard.datasets.reading import DeclaredDataset
from fusionguard.datasets.shown_cells import Role, cell_shown


@dataclass
class Findings:
    """What was found so far."""

    declared: DeclaredDataset
    faults: list[Fault] = field(default_factory=list)

    @property
    def declaration(self) -> Declaration:
        """The declaration that the table should hold to."""
        return self.declared.declaration

    def add(self, place: Place, what: str, column: str | None = None, row: int | None = None) -> None:
        """Note a fault; its sentence begins with the place."""
        self.faults.append(Fault(self.declared.line(place), f"{dotted(place)} {what}".lstrip(), column, row))

    def cell(self, column: str, value: Any, role: Role = "number") -> str:
        """Return a cell as a message may show it: in brackets, or nothing."""
        return cell_shown(self.declaration, column, value, role)


def and_more(rows: int) -> str:
    """Say how many rows have the same fault, where there are several."""
    return f"; {rows:,} such rows" if rows > 1 else ""
