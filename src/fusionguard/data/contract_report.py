"""What a contract found: one check a rule and column, as data and as an error."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from fusionguard.errors import DataError

Severity = Literal["stop", "warning"]
_SHOWN = 5


class Check(BaseModel):
    """One rule read on one column, or on the whole table where ``column`` is empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    column: str
    success: bool
    severity: Severity
    """``stop``: a run must not go on if this is broken; ``warning``: people should know."""
    broken_rows: int
    """How many rows break the rule; 0 where the rule is not about rows."""
    example_rows: list[int]
    """The first few of them; row 0 is the first row of data."""
    observed: str
    expected: str
    remedy: str = ""
    """What to do if this is broken, where correcting the rows is not the answer."""

    def __str__(self) -> str:
        where = f"column '{self.column}': " if self.column else ""
        rows = ""
        if self.broken_rows:
            more = ", ..." if self.broken_rows > len(self.example_rows) else ""
            rows = f" in row{'s' if self.broken_rows > 1 else ''} {', '.join(map(str, self.example_rows))}{more}"
        return f"{where}{self.rule} (expected {self.expected}; found {self.observed}{rows})"


class ContractError(DataError):
    """Data that breaks its contract; ``broken`` holds the checks that say where."""

    def __init__(self, dataset: str, stage: str, broken: tuple[Check, ...]) -> None:
        self.dataset, self.stage, self.broken = dataset, stage, broken
        more = f"; and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        super().__init__(
            f"The {dataset} {stage} break their contract: {'; '.join(str(check) for check in broken[:_SHOWN])}{more}.",
            " ".join(_remedies(broken)),
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.dataset, self.stage, self.broken))


def _remedies(broken: tuple[Check, ...]) -> list[str]:
    """Return what each broken rule asks for by itself, and the general advice if any asks for nothing."""
    own = list(dict.fromkeys(check.remedy for check in broken if check.remedy))
    correct = (
        "Correct the data (row 0 is the first row of data) and run it again; docs/data_quality_checks.md explains each rule."
    )
    return own if all(check.remedy for check in broken) else [*own, correct]


class ContractReport(BaseModel):
    """Every check of one contract on one table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    stage: str
    """``raw data`` or ``features``."""
    success: bool
    """Whether no rule of severity ``stop`` is broken."""
    rows: int
    checks: list[Check]

    @property
    def broken(self) -> tuple[Check, ...]:
        """The checks that stop a run."""
        return tuple(check for check in self.checks if not check.success and check.severity == "stop")

    @property
    def warnings(self) -> tuple[Check, ...]:
        """The checks that people should know about."""
        return tuple(check for check in self.checks if not check.success and check.severity == "warning")

    def raise_if_broken(self) -> None:
        """Raise :class:`ContractError` that names columns, rules and rows, unless the contract holds."""
        if not self.success:
            raise ContractError(self.dataset, self.stage, self.broken)

    def to_json(self) -> str:
        """Return the report as JSON text."""
        return self.model_dump_json(indent=2) + "\n"
