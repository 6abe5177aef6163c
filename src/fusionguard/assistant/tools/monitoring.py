"""The tool ``monitoring_verdict``: what monitoring said last of a model, and which features drifted."""

from __future__ import annotations

from fusionguard.assistant.known_models import KnownModels
from fusionguard.assistant.tools.tool import ModelName, Statement, Tool, ToolArguments, ToolResult
from fusionguard.errors import SourceError
from fusionguard.home import Home
from fusionguard.monitoring.history import VerdictRecord, history_file, read_history

NAME = "monitoring_verdict"


class MonitoringArguments(ToolArguments):
    """Which model."""

    model: ModelName


class MonitoringResult(ToolResult):
    """The last verdict, and how many there are."""

    model: ModelName
    last: VerdictRecord
    verdicts: int

    def statements(self) -> tuple[Statement, ...]:
        """Say the verdict and the advice, what drifted, and then the numbers."""
        last = self.last
        since = f" since {last.since:%Y-%m-%d %H:%M} UTC" if last.since else ""
        cause = f"; the likely cause is {last.cause}" if last.cause != "none" else ""
        advice = f"; the advice is: {last.action}" if last.action != "none" else ""
        told = [
            Statement(
                f"Monitoring's last verdict on the {self.model} model is '{last.state}'{since}{cause}{advice}.", "bottom line"
            )
        ]
        if self.simulated:
            told.append(Statement("It judged SIMULATED data: it says nothing of a real bank.", "bottom line"))
        if last.features:
            told.append(Statement(f"Features that drifted, the gravest first: {', '.join(last.features)}."))
        else:
            told.append(Statement("No feature drifted."))
        if last.first and last.last:
            told.append(
                Statement(f"It judged {last.rows:,} rows from {last.first:%Y-%m-%d} to {last.last:%Y-%m-%d}.", "explained")
            )
        told.append(Statement(f"The outcome of {last.labelled:,} of them was known.", "detail"))
        told += [
            Statement(f"{name} is {value:.3f}.", "detail")
            for name, value in (("The largest PSI of a feature", last.largest_psi), ("The PSI of the score", last.score_psi))
            if value is not None
        ]
        if last.alert_rate_change is not None:
            told.append(Statement(f"The alert rate changed by {100 * last.alert_rate_change:+.1f} %.", "detail"))
        told += [
            Statement(f"On labelled rows, {name.replace('_', ' ')} is {value:.3f}.", "detail")
            for name, value in last.metrics.items()
        ]
        told.append(Statement(f"It is of {last.at:%Y-%m-%d %H:%M} UTC, about model version {last.model_version}.", "detail"))
        return tuple(told)


def monitoring_tool(home: Home, models: KnownModels) -> Tool[MonitoringArguments]:
    """Return the tool for a home's verdicts."""

    def run(arguments: MonitoringArguments) -> ToolResult:
        model = models.find(arguments.model).name
        records = read_history(history_file(home, model))
        if not records:
            raise SourceError(f"Monitoring has not judged the {model} model yet.", "Run it: make monitoring.")
        last = records[-1]
        return MonitoringResult(
            source=f"monitoring run {last.run}",
            simulated=last.simulated,
            model=model,
            last=last,
            verdicts=len(records),
        )

    return Tool(NAME, "the monitoring verdict and the drifted features", MonitoringArguments, run)
