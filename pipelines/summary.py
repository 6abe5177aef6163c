"""What a run's end tells: the same facts as a short table for people and as JSON for programs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from pydantic import BaseModel, ConfigDict, SerializeAsAny
from rich.console import Console
from rich.table import Table as RichTable

from fusionguard.data.provenance import Provenance
from fusionguard.datasets.shipped import dataset_names
from fusionguard.evaluation.bootstrap import Interval
from fusionguard.evaluation.report import TableRow
from fusionguard.files import write_json
from fusionguard.serving.handover import Handover
from pipelines.observer import StepRecord

_WIDTH_OF_FILES = 130
_SIMULATED = "SIMULATED DATA: these numbers say that the pipeline works, not how well the model does on real data."


class FollowUp(BaseModel):
    """A run that another one asks for when it is over."""

    model_config = ConfigDict(frozen=True)

    pipeline: str
    assignments: tuple[str, ...]
    config_files: tuple[Path, ...] = ()
    why: str
    """For people, a line."""


class RunReport(BaseModel, ABC):
    """What a pipeline says about its own result."""

    model_config = ConfigDict(frozen=True)

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return it as plain values, for the run's summary."""

    @abstractmethod
    def show(self, console: Console, say: Callable[..., None]) -> None:
        """Print what was found; ``say`` prints a line as it is."""

    @abstractmethod
    def places(self) -> dict[str, str]:
        """Return where to look for more, by what it is."""

    def follow_up(self) -> FollowUp | None:
        """Return the run that this one asks for; none, unless a pipeline says otherwise."""
        return None


class Report(RunReport):
    """What a training pipeline says: the data, the metrics, the gate's verdict, and where the model is."""

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
    serving: Handover | None = None
    """What the service was given; null where the settings ask for nothing."""
    files: dict[str, Path] = {}
    """What else is worth a look, by what it is."""

    @property
    def models(self) -> list[str]:
        """The names of what was measured, the run's own model first."""
        return list(self.table[0].readings) if self.table else []

    def to_json(self) -> dict[str, Any]:
        """Return the report's keys, the metrics and those of the references."""
        content = self.model_dump(mode="json", exclude={"table", "notes"}, exclude_none=True)
        model, *references = self.models
        readings = {
            name: {row.name: row.readings[name].model_dump(mode="json", exclude_none=True) for row in self.table}
            for name in self.models
        }
        return {
            **content,
            "simulated": self.data.simulated,
            "metrics": readings[model],
            "references": {name: readings[name] for name in references},
        }

    def show(self, console: Console, say: Callable[..., None]) -> None:
        """Print the data, the metrics and the verdict."""
        if self.data.simulated:
            say(_SIMULATED, style="bold yellow")
        rate = self.data.negative_sampling_rate
        sampled = f"; {100 * rate:g} % of the legitimate rows, weighted back" if rate < 1 else ""
        of = "" if self.data.dataset in dataset_names() else f"{self.data.dataset}, "
        say(f"Data    {of}{self.data.origin}, {self.data.rows:,} rows: {self.data.description}{sampled}")
        console.print(_metrics_table(self))
        for row in self.table:
            if (lacking := row.readings[self.models[0]].reason) is not None:
                say(f"No {row.label}: {lacking}.")
        for note in self.notes:
            say(note)
        say(f"Gate    {self.registered_as} {_verdict(self)}. {self.gate.get('reason', '')}")
        if self.serving is not None:
            say(f"Service {self.serving.text}")

    def places(self) -> dict[str, str]:
        """Return the card, what else the run wrote, the bundle and MLflow's run."""
        return {
            "model card": from_here(self.model_card),
            **{name: from_here(file) for name, file in self.files.items()},
            "bundle": from_here(self.bundle),
            "MLflow run": f"{self.mlflow_run}  (make mlflow)",
        }


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
    report: SerializeAsAny[RunReport]
    then: Summary | None = None
    """The run that this one asked for."""

    def to_json(self) -> dict[str, Any]:
        """The summary as plain values: the report's keys beside the run's."""
        content = self.model_dump(mode="json", exclude={"report", "then"})
        content["steps"] = [
            {"name": step.name, "seconds": round(step.seconds, 3), "cached": step.cached, "rows": step.rows}
            for step in self.steps
        ]
        then = {} if self.then is None else {"then": self.then.to_json()}
        return {**content, **self.report.to_json(), **then}

    def write(self, file: Path) -> None:
        """Write the JSON, whole or not at all."""
        write_json(file, self.to_json())


def print_summary(summary: Summary, stream: TextIO | None = None) -> None:
    """Print the short table to ``stream``, standard output by default."""
    console = Console(file=stream, highlight=False)
    if not console.is_terminal:
        console = Console(file=stream, highlight=False, width=_WIDTH_OF_FILES)
    say = partial(console.print, soft_wrap=True, markup=False)
    say()
    summary.report.show(console, say)
    cached = sum(step.cached for step in summary.steps)
    say(f"Time    {summary.seconds:.1f} s, {summary.peak_memory_mb:,.0f} MB, {cached} of {len(summary.steps)} steps cached")
    say("Where to look")
    places = {**summary.report.places(), "ZenML run": f"{summary.zenml_run}  (make dashboard)"}
    for name, place in places.items():
        say(f"  {name:10}  {place}")


def from_here(path: Path) -> str:
    """Return a path as it is typed in the current folder, where it lies below that."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


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
