"""The tool ``model_metrics``: a version's readings on its test slice, and what the gate said of it."""

from __future__ import annotations

from typing import Literal

from fusionguard.assistant.known_models import KnownModels
from fusionguard.assistant.tools.kept import KnownVersion, know_version
from fusionguard.assistant.tools.tool import ModelName, Statement, Tool, ToolArguments, ToolResult
from fusionguard.home import Home

NAME = "model_metrics"

SIMULATED_MODEL = Statement("The model was trained on SIMULATED data: its numbers say nothing of a real bank.", "bottom line")


class MetricsArguments(ToolArguments):
    """Which model, and which of its versions: the newest is ``latest``."""

    model: ModelName
    version: Literal["champion", "challenger", "latest"] = "champion"


class MetricsResult(ToolResult):
    """What is known of that version."""

    model: ModelName
    asked: str
    known: KnownVersion

    def statements(self) -> tuple[Statement, ...]:
        """Say the main metric, the gate's verdict, and then the rest."""
        known = self.known
        role = f"The {self.asked} of the {self.model} models is version {known.version}"
        main = f", with {known.main.label} {known.main.text} on its test slice" if known.main else ""
        others = [metric for metric in known.metrics if metric is not known.main]
        return (
            Statement(f"{role}{main}.", "bottom line"),
            *((SIMULATED_MODEL,) if self.simulated else ()),
            *gate_statements(known),
            *(Statement(f"Its {metric.label} is {metric.text}.", "detail") for metric in others),
            Statement(
                f"It was trained in the run of {known.trained_at:%Y-%m-%d %H:%M} UTC; its bundle is {known.bundle}.", "detail"
            ),
        )


def gate_statements(known: KnownVersion) -> tuple[Statement, ...]:
    """Say what the gate decided about a version, where that is kept."""
    if known.gate is None:
        return (Statement(f"What the gate said of version {known.version} is not kept here; its model card says it.", "detail"),)
    kept = "left it champion" if "champion" in known.aliases else "did not promote it"
    return (
        Statement(
            f"The gate's last verdict on version {known.version}: it {'promoted it' if known.gate.promoted else kept}.",
            "bottom line",
        ),
        Statement(f"The gate's reason: {known.gate.reason}", "explained"),
    )


def metrics_tool(home: Home, models: KnownModels) -> Tool[MetricsArguments]:
    """Return the tool for a home's registry."""

    def run(arguments: MetricsArguments) -> ToolResult:
        model = models.find(arguments.model)
        known = know_version(home, model, arguments.version)
        return MetricsResult(
            source=f"registry, fusionguard-{model.name} version {known.version}",
            simulated=known.simulated,
            model=model.name,
            asked={"latest": "newest"}.get(arguments.version, arguments.version),
            known=known,
        )

    return Tool(NAME, "the metrics and the gate verdict of a model", MetricsArguments, run)
