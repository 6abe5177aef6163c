"""The tool ``score_example``: a made-up transaction or customer, with the values that were given, scored and explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from fusionguard.assistant.asked import shipped_models
from fusionguard.assistant.known_models import KnownModels
from fusionguard.assistant.tools.models import ScoringModels
from fusionguard.assistant.tools.tool import ModelName, Statement, Tool, ToolArguments, ToolResult
from fusionguard.errors import UsageError
from fusionguard.families.catalog import model_family
from fusionguard.families.words import Value

if TYPE_CHECKING:
    from fusionguard.families.family import ModelFamily

NAME = "score_example"

STRONGEST = 5


class ScoringArguments(ToolArguments):
    """Which model, and the fields that are given, such as ``{"Amount": 250.0}``; ``unclear`` is what was not understood."""

    model: ModelName
    values: dict[str, Value] = Field(default_factory=dict)
    unclear: tuple[str, ...] = ()


class Contribution(BaseModel):
    """What a feature adds to the log-odds of a row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feature: str
    value: float


class ScoringResult(ToolResult):
    """The model's answer to the row."""

    model: ModelName
    kind: str
    """The family of the model."""
    model_version: str
    values: dict[str, Value]
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
        family = model_family(self.kind)
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
            told.append(Statement(f"Given: {', '.join(f'{name} {_written(self.values[name])}' for name in self.given)}."))
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


def strongest(family: ModelFamily, names: Sequence[str], values: Sequence[float]) -> tuple[Contribution, ...]:
    """Return the largest contributions, in the data set's words; those of no size are left out."""
    words = family.features.words
    pairs = sorted(zip(names, values, strict=True), key=lambda pair: (-abs(pair[1]), pair[0]))
    return tuple(
        Contribution(feature=words.get(name, name), value=value) for name, value in pairs[:STRONGEST] if abs(value) >= 0.005
    )


def percent(probability: float) -> str:
    """Return a probability for people: ``2.3 %``."""
    return f"{100 * probability:.3g} %" if probability >= 1e-4 else "under 0.01 %"


def scoring_tool(known: KnownModels, models: ScoringModels) -> Tool[ScoringArguments]:
    """Return the tool for the models that answer."""

    def run(arguments: ScoringArguments) -> ToolResult:
        from fusionguard.families.of_bundle import family_of  # libraries that take seconds to import

        asked = known.find(arguments.model)
        thing = asked.family.thing
        if arguments.unclear:
            examples = (model.words.written_example for model in ((asked,) if not asked.ships else shipped_models()))
            raise UsageError(
                f"The {thing} was not scored, for this was not understood: {'; '.join(arguments.unclear)}.",
                f"Say each value once, with its field: {', '.join(filter(None, examples))}.",
            )
        engine = models.engine(asked.name)
        family = family_of(engine.bundle)
        row = family.example_row | arguments.values
        told = models.explain(asked.name, row)
        answer = dict(zip(family.outputs, told.answer.values, strict=True))
        return ScoringResult(
            source=f"model {engine.bundle.version} of {asked.name}",
            simulated=engine.bundle.manifest.origin == "simulated",
            model=asked.name,
            kind=asked.kind,
            model_version=engine.bundle.version,
            values=row,
            given=tuple(name for name in row if name in arguments.values),
            assumed=tuple(name for name in row if name not in arguments.values),
            probability=answer["probability"],
            decision=answer["decision"],
            why=told.answer.why,
            reasons=tuple(answer["reasons"].split("; ")) if answer["reasons"] else (),
            contributions=strongest(family, told.names, told.values),
        )

    things = " or ".join(model.family.thing for model in shipped_models())
    return Tool(NAME, f"the score of a made-up {things}", ScoringArguments, run)


def _written(value: Value) -> str:
    return "(missing)" if value is None else str(value)


def _assumption(names: tuple[str, ...], thing: str) -> str:
    shown = ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:5])} and {len(names) - 5} more"
    return f"Not given, so taken from the example {thing}: {shown}."
