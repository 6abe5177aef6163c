"""The latest monitoring verdicts, told in sentences."""

from __future__ import annotations

from fusionguard.assistant.reading import SIMULATED, Reading, make_passage
from fusionguard.errors import StorageError
from fusionguard.home import Home
from fusionguard.monitoring.history import FILE, VerdictRecord, read_history

EARLIER = 5
"""How many verdicts before the latest are told of, each in one sentence."""


def read_verdicts(home: Home) -> Reading:
    """Return what monitoring found of each model; a history that is damaged is told of."""
    return sum((_read_model(home, file.parent.name) for file in sorted(home.monitoring.glob(f"*/{FILE}"))), Reading())


def _read_model(home: Home, model: str) -> Reading:
    file = home.monitoring / model / FILE
    try:
        records = read_history(file)
    except StorageError as error:
        return Reading(notes=(f"Nothing is known of the monitoring of {model}: {error}",))
    if not records:
        return Reading()
    latest, before = records[-1], records[-1 - EARLIER : -1]
    told = [("Latest monitoring verdict", latest.simulated, _sentences(latest))]
    if before:
        simulated = any(record.simulated for record in before)
        told.append(("Earlier monitoring verdicts", simulated, [_line(record) for record in reversed(before)]))
    return Reading(
        tuple(
            make_passage(
                kind="run",
                file=file.relative_to(home.root).as_posix(),
                heading=f"Monitoring of {model}{f' ({SIMULATED})' if simulated else ''} > {what} on {model}",
                text="\n".join(f"- {sentence}" for sentence in sentences),
                source=f"run {latest.run}",
            )
            for what, simulated, sentences in told
        )
    )


def _sentences(record: VerdictRecord) -> list[str]:
    said = [_line(record)]
    if record.since:
        said.append(f"It began at {record.since:%Y-%m-%d %H:%M} UTC.")
    if record.cause != "none":
        said.append(f"The likely cause is {record.cause}, and the advice is: {record.action}.")
    said.append(
        f"Drifted features: {', '.join(record.features)}." if record.features else "No feature was found to have drifted."
    )
    window = f"The window held {record.rows:,} rows, {record.labelled:,} of them with a known outcome"
    if record.first and record.last:
        window += f", from {record.first:%Y-%m-%d %H:%M} to {record.last:%Y-%m-%d %H:%M} UTC"
    said.append(f"{window}.{f' All of it is {SIMULATED}.' if record.simulated else ''}")
    if record.largest_psi is not None:
        said.append(f"The largest population stability index (PSI) of a feature was {record.largest_psi:.3f}.")
    if record.score_psi is not None:
        said.append(f"The PSI of the scores was {record.score_psi:.3f}.")
    if record.alert_rate_change is not None:
        said.append(f"The alert rate changed by {100 * record.alert_rate_change:+.1f} % against the reference.")
    said += [f"Measured on outcomes, {name.replace('_', ' ')} was {value:.3f}." for name, value in record.metrics.items()]
    return said


def _line(record: VerdictRecord) -> str:
    simulated = f" on {SIMULATED}" if record.simulated else ""
    return (
        f"At {record.at:%Y-%m-%d %H:%M} UTC monitoring judged the {record.model} model {record.model_version}"
        f"{simulated}: {record.state}."
    )
