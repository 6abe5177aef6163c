"""The tool ``explain_request``: what the service answered to a request, by its id, and what moved the score."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import AwareDatetime, Field

from fusionguard.assistant.asked import AskedModel
from fusionguard.assistant.known_models import KnownModels
from fusionguard.assistant.tools.models import ScoringModels
from fusionguard.assistant.tools.scoring import Contribution, contribution_statements, percent, strongest
from fusionguard.assistant.tools.tool import ModelName, Statement, Tool, ToolArguments, ToolResult
from fusionguard.errors import BundleError, SourceError
from fusionguard.families.catalog import model_family

NAME = "explain_request"

_MOMENT = timedelta(microseconds=1)


class ExplainingArguments(ToolArguments):
    """The request's id, and the row in it where it had several; all models' logs are searched where none is named."""

    request_id: str = Field(pattern=r"^[A-Za-z0-9._~-]{1,64}$")
    row: int = Field(default=0, ge=0, le=100_000)
    model: ModelName | None = None


class ExplainingResult(ToolResult):
    """What was logged of the row, and its contributions where the model that answered is at hand."""

    model: ModelName
    kind: str
    """The family of the model."""
    request_id: str
    row: int
    time: AwareDatetime
    model_version: str
    probability: float
    decision: str
    reasons: tuple[str, ...]
    """The reason codes that the service told."""
    outcome: int | None
    contributions: tuple[Contribution, ...]
    contributions_missing: str
    """Why there are none; empty where there are."""

    def statements(self) -> tuple[Statement, ...]:
        """Say decision and probability, the reasons, and then the numbers."""
        family = model_family(self.kind)
        thing, words = family.thing, family.words
        told = [
            Statement(
                f"The service decided '{self.decision}' for that {thing},"
                f" probability of {words.chance_of} {percent(self.probability)}.",
                "bottom line",
            )
        ]
        if self.simulated:
            told.append(
                Statement("The model was trained on SIMULATED data: the number says nothing of a real bank.", "bottom line")
            )
        if self.reasons:
            told.append(Statement(f"The reasons it gave, the strongest first: {', '.join(self.reasons)}.", "bottom line"))
        else:
            told.append(Statement("It gave no reasons: it gives them for what it flags alone.", "bottom line"))
        told += contribution_statements(self.contributions)
        if self.contributions_missing:
            told.append(Statement(self.contributions_missing, "detail"))
        if self.outcome is not None:
            told.append(Statement(f"By the outcome that came later, the {thing} {words.outcomes[self.outcome]}."))
        told.append(
            Statement(f"It was answered on {self.time:%Y-%m-%d at %H:%M} UTC by model version {self.model_version}.", "detail")
        )
        return tuple(told)


def explaining_tool(log: Path, known: KnownModels, models: ScoringModels) -> Tool[ExplainingArguments]:
    """Return the tool for a prediction log."""

    def run(arguments: ExplainingArguments) -> ToolResult:
        for model in (known.find(arguments.model),) if arguments.model else known.every():
            found = _find(log, model, arguments.request_id, arguments.row)
            if found is not None:
                return _result(model, arguments, found, models)
        raise SourceError(
            f"No scored row with request id '{arguments.request_id}' (row {arguments.row}) is in the prediction log.",
            "Take the request_id of the service's answer; it is in the log some seconds after it.",
        )

    return Tool(NAME, "why a scored transaction was decided so, by its request id", ExplainingArguments, run)


def _find(log: Path, model: AskedModel, request_id: str, row: int) -> dict[str, object] | None:
    """Return a row of the log: its time is found first, so that only that moment is read whole."""
    import pyarrow.compute as pc  # libraries that take seconds to import

    from fusionguard.serving.prediction_log import read_log

    times = read_log(log, model.family, columns=("request_id", "row", "time")).table
    mine = pc.and_(pc.equal(times["request_id"], request_id), pc.equal(times["row"], row))
    when = times.filter(mine)["time"].to_pylist()
    if not when:
        return None
    rows = read_log(log, model.family, when[0], when[0] + _MOMENT).table
    mine = pc.and_(pc.equal(rows["request_id"], request_id), pc.equal(rows["row"], row))
    found: list[dict[str, object]] = rows.filter(mine).to_pylist()
    return found[0] if found else None


def _result(model: AskedModel, arguments: ExplainingArguments, row: dict[str, object], models: ScoringModels) -> ExplainingResult:
    contributions, missing = _contributions(model, row, models)
    told = str(row["reasons"])
    return ExplainingResult(
        source=f"prediction log of {model.name}",
        simulated=row["origin"] == "simulated",
        model=model.name,
        kind=model.kind,
        request_id=arguments.request_id,
        row=arguments.row,
        time=row["time"],  # type: ignore[arg-type]
        model_version=str(row["model_version"]),
        probability=float(row["probability"]),  # type: ignore[arg-type]
        decision=str(row["decision"]),
        reasons=tuple(told.split("; ")) if told else (),
        outcome=row["label"],  # type: ignore[arg-type]
        contributions=contributions,
        contributions_missing=missing,
    )


def _contributions(model: AskedModel, row: dict[str, object], models: ScoringModels) -> tuple[tuple[Contribution, ...], str]:
    """Explain a logged row again by the model that answered it; say why where that one is not at hand."""
    import pyarrow as pa

    from fusionguard.families.of_bundle import family_of

    try:
        bundle = models.engine(model.name).bundle
        if bundle.version != row["model_version"]:
            return (), f"What each feature added is not known: the model at hand is version {bundle.version}."
        family = family_of(bundle)
        scoring = family.load(bundle)
    except BundleError:
        return (), "What each feature added is not known: no model is at hand."
    types = family.features.column_types
    columns = {name: pa.array([row[name]], pa.type_for_alias(types[name])) for name in family.features.model_features}
    told = scoring.explain(pa.table(columns))
    return strongest(family, told.names, told.contributions[0].tolist()), ""
