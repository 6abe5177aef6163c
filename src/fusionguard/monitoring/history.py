"""The verdicts of all runs, one line each: what the timeline is drawn of."""

from __future__ import annotations

from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from fusionguard.errors import StorageError
from fusionguard.files import append_line
from fusionguard.home import Home
from fusionguard.monitoring.drift import DriftReport
from fusionguard.monitoring.performance import PerformanceReport
from fusionguard.monitoring.reference import PROBABILITY
from fusionguard.monitoring.verdict import Verdict
from fusionguard.monitoring.window import WindowFacts

FILE = "history.jsonl"


class VerdictRecord(BaseModel):
    """A verdict with the numbers that a timeline shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    """When it was reached."""
    run: str
    """ZenML's name of the run."""
    model: str
    model_version: str
    first: AwareDatetime | None
    last: AwareDatetime | None
    rows: int
    labelled: int
    simulated: bool
    state: str
    cause: str
    action: str
    since: AwareDatetime | None
    features: tuple[str, ...]
    largest_psi: float | None
    """Of all features."""
    score_psi: float | None
    alert_rate_change: float | None
    """Relative to the reference's alert rate."""
    metrics: dict[str, float]
    """Read on labelled rows."""
    approved: tuple[str, ...] = ()
    """What was found and is meant, and who says so."""


def record_verdict(
    verdict: Verdict, facts: WindowFacts, drift: DriftReport, outcomes: PerformanceReport, *, run: str, at: AwareDatetime
) -> VerdictRecord:
    """Gather what a timeline needs."""
    psi = [finding.effect for finding in drift.columns if finding.kind == "psi"]
    scores = {(finding.kind, finding.subject): finding.effect for finding in drift.scores}
    rates = [finding.effect for finding in drift.scores if finding.kind == "alert_rate"]
    return VerdictRecord(
        at=at,
        run=run,
        model=facts.model,
        model_version=facts.model_version,
        first=facts.first,
        last=facts.last,
        rows=facts.rows,
        labelled=facts.labelled,
        simulated=facts.is_simulated,
        state=verdict.state,
        cause=verdict.cause,
        action=verdict.action,
        since=verdict.since,
        features=verdict.features,
        largest_psi=max(psi, default=None),
        score_psi=scores.get(("psi", PROBABILITY)),
        alert_rate_change=rates[0] if rates else None,
        metrics={name: read.value for name, read in outcomes.metrics.items() if read.value is not None},
        approved=verdict.approved,
    )


def history_file(home: Home, model: str) -> Path:
    """Return where a model's verdicts are kept."""
    return home.monitoring / model / FILE


def append_verdict(file: Path, record: VerdictRecord) -> None:
    """Keep a verdict; runs at the same time do not disturb each other."""
    append_line(file, record.model_dump_json())


def read_history(file: Path) -> tuple[VerdictRecord, ...]:
    """Return all verdicts in the order in which they were reached; none where there is no file.

    Raises
    ------
    StorageError
        A line is damaged; a last line without its end, whose writer died over it, is left out.
    """
    if not file.exists():
        return ()
    *lines, _ = file.read_bytes().split(b"\n")
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(VerdictRecord.model_validate_json(line))
        except ValidationError as error:
            raise StorageError(
                f"'{file}' is damaged in line {number}.", "Correct or remove that line, then run it again."
            ) from error
    return tuple(records)
