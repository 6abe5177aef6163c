"""The tool ``compare_models``: champion and challenger side by side."""

from __future__ import annotations

from fusionguard.assistant.asked import AskedModel
from fusionguard.assistant.known_models import KnownModels
from fusionguard.assistant.tools.kept import KnownVersion, know_version
from fusionguard.assistant.tools.metrics import SIMULATED_MODEL, gate_statements
from fusionguard.assistant.tools.tool import ModelName, Statement, Tool, ToolArguments, ToolResult
from fusionguard.errors import UnknownChoiceError
from fusionguard.home import Home

NAME = "compare_models"


class ComparisonArguments(ToolArguments):
    """Which model."""

    model: ModelName


class ComparisonResult(ToolResult):
    """Both versions; no challenger where there is none beside the champion."""

    model: ModelName
    champion: KnownVersion | None
    challenger: KnownVersion | None

    def statements(self) -> tuple[Statement, ...]:
        """Say both main metrics, the gate's comparison, and then metric by metric."""
        champion, challenger = self.champion, self.challenger
        warning = (SIMULATED_MODEL,) if self.simulated else ()
        if champion is None:
            assert challenger is not None
            told = f"There is no {self.model} champion; the challenger is version {challenger.version}{_main(challenger)}."
            return (Statement(told, "bottom line"), *warning, *gate_statements(challenger))
        if challenger is None:
            told = (
                f"There is no {self.model} challenger beside the champion, version {champion.version}{_main(champion)}:"
                " nothing to compare."
            )
            return (Statement(told, "bottom line"), *warning)
        told = (
            f"The {self.model} champion is version {champion.version}{_main(champion)}; the challenger is version"
            f" {challenger.version}{_main(challenger)}."
        )
        theirs = {metric.name: metric for metric in challenger.metrics}
        return (
            Statement(told, "bottom line"),
            *warning,
            *gate_statements(challenger),
            Statement("Each is read on its own run's test slice; only the gate's comparison is on the same rows.", "explained"),
            *(
                Statement(f"{_first_up(metric.label)}: champion {metric.text}, challenger {theirs[metric.name].text}.", "detail")
                for metric in champion.metrics
                if metric.name in theirs
            ),
        )


def comparing_tool(home: Home, known: KnownModels) -> Tool[ComparisonArguments]:
    """Return the tool for a home's registry."""

    def run(arguments: ComparisonArguments) -> ToolResult:
        model = known.find(arguments.model)
        champion, challenger = (_known(home, model, alias) for alias in ("champion", "challenger"))
        if champion is None and challenger is None:
            champion = know_version(home, model, "champion")  # says what is there instead
        if champion is not None and challenger is not None and champion.version == challenger.version:
            challenger = None
        return ComparisonResult(
            source=f"registry, fusionguard-{model.name}",
            simulated=any(known is not None and known.simulated for known in (champion, challenger)),
            model=model.name,
            champion=champion,
            challenger=challenger,
        )

    return Tool(NAME, "a comparison of champion and challenger", ComparisonArguments, run)


def _known(home: Home, model: AskedModel, alias: str) -> KnownVersion | None:
    try:
        return know_version(home, model, alias)
    except UnknownChoiceError:
        return None


def _main(known: KnownVersion) -> str:
    return f", with {known.main.label} {known.main.text}" if known.main else ""


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]
