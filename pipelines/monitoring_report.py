"""What the end of a monitoring run tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from fusionguard.monitoring.estimate import PerformanceEstimate
from fusionguard.monitoring.performance import PerformanceReport
from fusionguard.monitoring.retraining import LabelledFile
from fusionguard.monitoring.verdict import Verdict
from fusionguard.monitoring.window import WindowFacts
from pipelines.summary import FollowUp, RunReport, from_here

_STYLES = {"healthy": "bold green", "watch": "bold yellow", "act": "bold red", "not judged": "bold"}
_SIMULATED = "SIMULATED DATA: this verdict shows how monitoring works, and says nothing about real customers."
_MOST_FINDINGS = 8


class MonitoringReport(RunReport):
    """The window, the verdict, how well the model does, who was told, and where the page is."""

    facts: WindowFacts
    verdict: Verdict
    measured: PerformanceReport
    estimated: PerformanceEstimate | None
    told: dict[str, str]
    page: Path
    labelled: LabelledFile | None = None
    """What a new model is trained on; null where nobody asked for one."""

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values; ``simulated`` tells whether rows or model are."""
        return {**self.model_dump(mode="json"), "simulated": self.facts.is_simulated}

    def show(self, console: Console, say: Callable[..., None]) -> None:
        """Print the verdict, its reasons and the findings."""
        if self.facts.is_simulated:
            say(_SIMULATED, style="bold yellow")
        facts, verdict = self.facts, self.verdict
        span = f"{facts.first:%Y-%m-%d %H:%M:%S} to {facts.last:%Y-%m-%d %H:%M:%S} UTC" if facts.first else "no rows"
        say(f"Window  {facts.rows:,} rows of {facts.model} {facts.model_version}, {facts.labelled:,} with an outcome: {span}")
        say(f"Verdict {verdict.sentence()}", style=_STYLES[verdict.state])
        for reason in verdict.reasons:
            say(f"        {reason}")
        if verdict.findings:
            console.print(self._table())
        for remark in (*facts.remarks(), *verdict.remarks):
            say(f"Note    {remark}")
        say(f"Told    {', '.join(f'{channel}: {outcome}' for channel, outcome in self.told.items()) or 'nobody'}")
        if self.labelled is not None:
            say(f"Retrain {'yes, on' if self.labelled.file else 'no:'} {self.labelled.why}")
            for remark in self.labelled.remarks:
                say(f"Note    {remark}")

    def follow_up(self) -> FollowUp | None:
        """Ask for a training on the labelled rows, where there are any."""
        if self.labelled is None or self.labelled.file is None:
            return None
        return FollowUp(
            pipeline=self.facts.model,  # only of a data set that ships is there a file: its model is called as its pipeline
            assignments=(f"data.source={json.dumps(str(self.labelled.file))}",),
            config_files=tuple(file for file in (self.labelled.settings, self.labelled.training) if file is not None),
            why=f"the {self.facts.model} pipeline trains on {self.labelled.rows:,} rows: {self.labelled.why}",
        )

    def places(self) -> dict[str, str]:
        """Return where the page is."""
        return {"page": from_here(self.page)}

    def _table(self) -> RichTable:
        table = RichTable(show_edge=False, pad_edge=False)
        for name in ("level", "what", "effect", "limit", "since"):
            table.add_column(name, no_wrap=name != "what", justify="right" if name in ("effect", "limit") else "left")
        for finding in self.verdict.findings[:_MOST_FINDINGS]:
            since = f"{finding.since:%m-%d %H:%M:%S}" if finding.since else ""
            table.add_row(finding.level, finding.told, f"{finding.effect:.3g}", f"{finding.limit:.3g}", since)
        return table
