"""What a run's end tells: the same facts as a short table for people and as JSON for programs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, TextIO

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table as RichTable

from fusionguard.data.provenance import Provenance
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.report import TableRow
from fusionguard.files import write_json
from pipelines.observer import StepRecord

_WIDTH_OF_FILES = 130
_SIMULATED = "SIMULATED DATA: these numbers say that the pipeline works, not how well the model does on real data."


class Report(BaseModel):
    """What a pipeline says about its own result."""

    model_config = ConfigDict(frozen=True)

    data: Provenance
    table: tuple[TableRow, ...]
    """Test metrics, a row each: the model's reading first, then each reference's."""
    gate: dict[str, Any]
    """The verdict; ``promoted`` and ``reason`` are always there."""
    bundle: Path
    """The model's folder."""
    model_version: str
    """The first digits of the bundle's SHA-256."""
    registered_as: str
    """Name and version in the registry."""
    mlflow_run: str
    model_card: Path
    notes: tuple[str, ...] = ()
    """Lines to print below the table."""
    cross_validation: dict[str, dict[str, Interval]] = {}
    """Where there was one, by model: each metric's mean over the folds."""
    files: dict[str, Path] = {}
    """What else is worth a look, by what it is."""

    @property
    def models(self) -> list[str]:
        """The names of what was measured, the run's own model first."""
        return list(self.table[0].readings) if self.table else []


class Summary(BaseModel):
    """A finished run."""

    model_config = ConfigDict(frozen=True)

    pipeline: str
    stack: str
    zenml_run: str
    zenml_run_id: str
    seconds: float
    """From the command's start to its end."""
    peak_memory_mb: float
    steps: tuple[StepRecord, ...]
    report: Report

    def to_json(self) -> dict[str, Any]:
        """The summary as plain values: the report's keys beside the run's."""
        content = self.model_dump(mode="json", exclude={"report"})
        content["steps"] = [
            {"name": step.name, "seconds": round(step.seconds, 3), "cached": step.cached, "rows": step.rows}
            for step in self.steps
        ]
        report = self.report.model_dump(mode="json", exclude={"table", "notes"}, exclude_none=True)
        model, *references = self.report.models
        readings = {
            name: {row.name: row.readings[name].model_dump(mode="json", exclude_none=True) for row in self.report.table}
            for name in self.report.models
        }
        return {
            **content,
            **report,
            "simulated": self.report.data.simulated,
            "metrics": readings[model],
            "references": {name: readings[name] for name in references},
        }

    def write(self, file: Path) -> None:
        """Write the JSON, whole or not at all."""
        write_json(file, self.to_json())


def print_summary(summary: Summary, stream: TextIO | None = None) -> None:
    """Print the short table to ``stream``, standard output by default."""
    console = Console(file=stream, highlight=False)
    if not console.is_terminal:
        console = Console(file=stream, highlight=False, width=_WIDTH_OF_FILES)
    say = partial(console.print, soft_wrap=True, markup=False)
    report = summary.report
    say()
    if report.data.simulated:
        say(_SIMULATED, style="bold yellow")
    rate = report.data.negative_sampling_rate
    sampled = f"; {100 * rate:g} % of the legitimate rows, weighted back" if rate < 1 else ""
    say(f"Data    {report.data.origin}, {report.data.rows:,} rows: {report.data.description}{sampled}")
    console.print(_metrics_table(report))
    for note in report.notes:
        say(note)
    say(f"Gate    {report.registered_as} {_verdict(report)}. {report.gate.get('reason', '')}")
    cached = sum(step.cached for step in summary.steps)
    say(f"Time    {summary.seconds:.1f} s, {summary.peak_memory_mb:,.0f} MB, {cached} of {len(summary.steps)} steps cached")
    say("Where to look")
    say(f"  model card  {_from_here(report.model_card)}")
    for name, file in report.files.items():
        say(f"  {name:10}  {_from_here(file)}")
    say(f"  bundle      {_from_here(report.bundle)}")
    say(f"  MLflow run  {report.mlflow_run}  (make mlflow)")
    say(f"  ZenML run   {summary.zenml_run}  (make dashboard)")


def _from_here(path: Path) -> Path:
    """Return a path as it is typed in the current folder, where it lies below that."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _verdict(report: Report) -> str:
    if report.gate.get("promoted"):
        return "is the new champion"
    same = report.gate.get("champion_version") == report.gate.get("challenger_version")
    return "stays champion" if same else "is not promoted"


def _metrics_table(report: Report) -> RichTable:
    table = RichTable(show_edge=False, pad_edge=False)
    table.add_column("test metric (95 % interval)", no_wrap=True)
    for name in report.models:
        table.add_column(name, justify="right", no_wrap=True)
    for row in report.table:
        table.add_row(row.label, *(row.readings[name].text(row.digits) for name in report.models))
    return table
