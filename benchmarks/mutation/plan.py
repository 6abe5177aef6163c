"""What is mutated, which tests have to notice, and which mutants no test can notice: ``plan.yaml``, read and checked."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

PLAN = Path(__file__).with_name("plan.yaml")


class Equivalent(BaseModel):
    """A mutant that does what the code does; it is known by its function and its changed lines, for its number moves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    function: str
    before: str
    """The lines that the mutant replaces, joined by blanks."""
    after: str
    """The lines that it puts there."""
    reason: str = Field(min_length=20)


class Module(BaseModel):
    """A file to mutate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    """Path below ``src/fusionguard``."""
    tests: tuple[str, ...] = Field(min_length=1)
    """Files below ``tests`` that are run against its mutants."""
    equivalent: tuple[Equivalent, ...] = ()

    @property
    def source(self) -> str:
        """Path of the file in the checkout."""
        return f"src/fusionguard/{self.file}"

    @property
    def dotted(self) -> str:
        """Name by which it is imported."""
        return "fusionguard." + self.file.removesuffix(".py").replace("/", ".")


def read_plan(file: Path = PLAN) -> tuple[Module, ...]:
    """Return the modules in the order of the file; an unknown key is an error."""
    return tuple(Module.model_validate(entry) for entry in yaml.safe_load(file.read_text(encoding="utf-8")))
