"""A tool: typed arguments in, a typed result out that says itself in sentences."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from fusionguard.assistant.answers import Persona

ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
"""What a model may be called; whether there is one of the name is asked when a tool runs."""

Depth = Literal["bottom line", "explained", "detail"]

_TOLD: dict[Persona, tuple[Depth, ...]] = {
    Persona.EXECUTIVE: ("bottom line",),
    Persona.SUPPORT: ("bottom line", "explained"),
    Persona.ANALYST: ("bottom line", "explained", "detail"),
}


class Statement(NamedTuple):
    """A sentence about a result, and how deep a reader must go to be told it."""

    text: str
    depth: Depth = "explained"


class ToolArguments(BaseModel):
    """What a tool is asked; nothing it does not know is accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class ToolResult(BaseModel):
    """What a tool found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    """What it was read from, for the citation."""
    simulated: bool = False
    """Whether its numbers come from a model or rows that were simulated."""

    @abstractmethod
    def statements(self) -> tuple[Statement, ...]:
        """Say the result in sentences, the bottom line first; every number of theirs is the result's own."""

    def sentences(self, persona: Persona) -> tuple[str, ...]:
        """Return those that a persona is told: each persona's hold those of the one who is told less."""
        return tuple(statement.text for statement in self.statements() if statement.depth in _TOLD[persona])


Arguments = TypeVar("Arguments", bound=ToolArguments)


@dataclass(frozen=True)
class Tool(Generic[Arguments]):
    """A call that reads and never changes anything.

    Parameters
    ----------
    name
        What citations and the audit log call it.
    about
        What it tells, for people.
    arguments
        The model its arguments are checked by.
    run
        Answers; raises :class:`~fusionguard.errors.FusionGuardError` where there is nothing to read.
    """

    name: str
    about: str
    arguments: type[Arguments]
    run: Callable[[Arguments], ToolResult]

    def call(self, given: dict[str, Any]) -> ToolResult:
        """Check the arguments and run it; raises pydantic's ``ValidationError`` for wrong ones."""
        return self.run(self.arguments.model_validate(given))
