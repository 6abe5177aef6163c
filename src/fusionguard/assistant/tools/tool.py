"""A tool: typed arguments in, a typed result out that says itself in sentences."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from fusionguard.assistant.answers import Persona
from fusionguard.families.catalog import family_names


def _known_family(name: str) -> str:
    if name not in family_names():
        *most, last = (f"'{each}'" for each in family_names())
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": f"{', '.join(most)} or {last}"})
    return name


Family = Annotated[str, AfterValidator(_known_family)]
"""The name of a family."""

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
