"""The tool ``score_example``: a made-up transaction or customer, with the values that were given, scored and explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from fusionguard.assistant.tools.models import ScoringModels
from fusionguard.assistant.tools.tool import Family, Statement, Tool, ToolArguments, ToolResult
from fusionguard.errors import UsageError
from fusionguard.families.catalog import family_names, model_family

if TYPE_CHECKING:
    from fusionguard.families.online import Contributions

NAME = "score_example"

STRONGEST = 5


class ScoringArguments(ToolArguments):
    """Which model, and the fields that are given, such as ``{"Amount": 250.0}``; ``unclear`` is what was not understood."""

    family: Family
    values: dict[str, float | int | str] = Field(default_factory=dict)
    unclear: tuple[str, ...] = ()


class Contribution(BaseModel):
    """What a feature adds to the log-odds of a row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feature: str
    value: float


class ScoringResult(ToolResult):
    """The model's answer to the row."""

    family: Family
    model_version: str
    values: dict[str, float | int | str]
    """The whole row, as it was scored."""
    given: tuple[str, ...]
    assumed: tuple[str, ...]
    """Fields that nobody gave: they are those of the example row."""
    probability: float
    decision: str
    why: str
    reasons: tuple[str, ...]
    contributions: tuple[Contribution, ...]
    """The largest ones, by size."""

    def statements(self) -> tuple[Statement, ...]:
        """Say probability and decision, what was assumed, and what moved the score."""
        family = model_family(self.family)
        thing, words = family.thing, family.words
        told = [
            Statement(
                f"The model gives this {thing} a probability of {words.chance_of} of {percent(self.probability)} and would"
                f" {words.decisions.get(self.decision, self.decision)}.",
                "bottom line",
            ),
            Statement(f"It is a made-up {thing}: nothing was logged, and no real one is meant.", "bottom line"),
        ]
        if self.simulated:
            told.append(
                Statement("The model was trained on SIMULATED data: the number says nothing of a real bank.", "bottom line")
            )
        told.append(Statement(f"The rule behind it: {self.why}.", "explained"))
        if self.given:
            told.append(Statement(f"Given: {', '.join(f'{name} {self.values[name]}' for name in self.given)}."))
        if self.assumed:
            told.append(Statement(f"{_assumption(self.assumed, thing)}", "bottom line"))
        if self.reasons:
            told.append(Statement(f"What raises the risk most: {', '.join(self.reasons)}."))
        told += contribution_statements(self.contributions)
        told.append(Statement(f"The model is version {self.model_version}.", "detail"))
        return tuple(told)


def contribution_statements(contributions: tuple[Contribution, ...]) -> list[Statement]:
    """Say what features add to the log-odds."""
    return [
        Statement(f"{each.feature} {'raises' if each.value > 0 else 'lowers'} the log-odds by {abs(each.value):.2f}.", "detail")
        for each in contributions
    ]


def strongest(told: Contributions) -> tuple[Contribution, ...]:
    """Return the largest contributions, those of no size left out."""
    pairs = sorted(zip(told.names, told.values, strict=True), key=lambda pair: (-abs(pair[1]), pair[0]))
    return tuple(Contribution(feature=name, value=value) for name, value in pairs[:STRONGEST] if abs(value) >= 0.005)


def percent(probability: float) -> str:
    """Return a probability for people: ``2.3 %``."""
    return f"{100 * probability:.3g} %" if probability >= 1e-4 else "under 0.01 %"


def scoring_tool(models: ScoringModels) -> Tool[ScoringArguments]:
    """Return the tool for the models that answer."""

    def run(arguments: ScoringArguments) -> ToolResult:
        from fusionguard.serving.requests import wrong  # libraries that take seconds to import

        thing = model_family(arguments.family).thing
        if arguments.unclear:
            examples = (model_family(name).words.written_example for name in family_names())
            raise UsageError(
                f"The {thing} was not scored, for this was not understood: {'; '.join(arguments.unclear)}.",
                f"Say each value once, with its field: {', '.join(filter(None, examples))}.",
            )
        family = model_family(arguments.family)
        by_name = {field.name: field for field in family.request_fields.all}
        for name, value in arguments.values.items():
            if name not in by_name:
                raise UsageError(f"A {thing} has no field '{name}'.", f"It has: {', '.join(by_name)}.")
            if wrong(by_name[name], value):
                raise UsageError(f"{name} must be {by_name[name].expected}.", "Correct the value.")
        example = family.example
        row = {name: arguments.values.get(name, example[name]) for name in by_name}
        engine = models.engine(arguments.family)
        told = engine.explain(list(row.values()))
        answer = dict(zip(family.outputs, told.answer.values, strict=True))
        return ScoringResult(
            source=f"model {engine.bundle.version} of {arguments.family}",
            simulated=engine.bundle.manifest.origin == "simulated",
            family=arguments.family,
            model_version=engine.bundle.version,
            values=row,
            given=tuple(name for name in by_name if name in arguments.values),
            assumed=tuple(name for name in by_name if name not in arguments.values),
            probability=answer["probability"],
            decision=answer["decision"],
            why=told.answer.why,
            reasons=tuple(answer["reasons"].split("; ")) if answer["reasons"] else (),
            contributions=strongest(told),
        )

    things = " or ".join(model_family(name).thing for name in family_names())
    return Tool(NAME, f"the score of a made-up {things}", ScoringArguments, run)


def _assumption(names: tuple[str, ...], thing: str) -> str:
    shown = ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:5])} and {len(names) - 5} more"
    return f"Not given, so taken from the example {thing}: {shown}."
