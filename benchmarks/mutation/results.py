"""What became of each module's mutants when it was last measured: ``results.json``, which every run of a whole module renews."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from benchmarks.measure import CHECKOUT
from benchmarks.mutation.run import Outcome
from fusionguard.files import write_text

RESULTS = Path(__file__).with_name("results.json")


class SurvivorResult(BaseModel):
    """A mutant that its tests let pass, and why nobody can notice it; empty where that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    function: str
    before: str
    after: str
    reason: str


class ModuleResult(BaseModel):
    """One module's mutants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    source_sha256: str
    """Of the module as it was measured."""
    mutants: int
    survivors: tuple[SurvivorResult, ...]

    @property
    def killed(self) -> int:
        """How many mutants a test noticed."""
        return self.mutants - len(self.survivors)

    @property
    def share(self) -> float:
        """Killed mutants among all, equivalent ones included."""
        return self.killed / self.mutants if self.mutants else 1.0

    @property
    def unexplained(self) -> int:
        """How many survivors have no reason."""
        return sum(not survivor.reason for survivor in self.survivors)

    @property
    def is_current(self) -> bool:
        """Whether the module is what it was when it was measured."""
        return source_sha256(self.file) == self.source_sha256


_LIST = TypeAdapter(tuple[ModuleResult, ...])


def result_of(outcome: Outcome) -> ModuleResult:
    """Return what is kept of an outcome."""
    survivors = tuple(
        SurvivorResult(
            function=one.function, before=one.before, after=one.after, reason=one.equivalent.reason if one.equivalent else ""
        )
        for one in outcome.survivors
    )
    file = outcome.module.file
    return ModuleResult(file=file, source_sha256=source_sha256(file), mutants=outcome.mutants, survivors=survivors)


def read_results(file: Path = RESULTS) -> tuple[ModuleResult, ...]:
    """Return what is known, in the order of file names."""
    return _LIST.validate_json(file.read_bytes()) if file.is_file() else ()


def keep_result(result: ModuleResult, file: Path = RESULTS) -> None:
    """Put a module's result in the place of the one before."""
    others = [known for known in read_results(file) if known.file != result.file]
    kept = sorted([*others, result], key=lambda known: known.file)
    write_text(file, _LIST.dump_json(tuple(kept), indent=1).decode() + "\n")


def source_sha256(file: str) -> str:
    """Return the SHA-256 of a module below ``src/fusionguard``, or nothing where it is gone."""
    path = CHECKOUT / "src" / "fusionguard" / file
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
