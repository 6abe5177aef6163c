"""What is known of a job after it ended, as a step's metadata."""

from __future__ import annotations

import json
import re
from datetime import datetime

from .client import SlurmClient
from .errors import CommandError
from .folder import JobFolder, JobRecord

Facts = dict[str, str | int | float]
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def submission_facts(client: SlurmClient, record: JobRecord) -> Facts:
    """Return what is known as soon as a job is submitted: its id, its partition, and that it waits."""
    facts: Facts = {"slurm_job": record.job, "slurm_state": "PENDING"}
    asked = next((option.partition("=")[2] for option in record.options if option.startswith("--partition=")), "")
    if not asked:  # the site's default, which the controller knows
        try:
            asked = client.details(record.job).get("Partition", "")
        except CommandError:
            asked = ""
    return facts | ({"slurm_partition": asked} if asked else {})


def job_facts(client: SlurmClient, folder: JobFolder, record: JobRecord, *, state: str, restarts: int) -> Facts:
    """Return job id, state, node, restarts and, as far as anybody knows them, times (s), CPU efficiency (0-1), memory (MB).

    The accounting is asked first, then the controller; processor time and memory also come from the step's own process, because
    accounting may lag behind and may not exist.
    """
    try:
        details = client.details(record.job)
    except CommandError:
        details = {}
    accounted = [line for line in client.accounting(record.job) if line["Start"] not in ("", "Unknown")]
    facts: Facts = {
        "slurm_job": record.job,
        "slurm_state": state,
        "slurm_restarts": restarts,
        "slurm_source": "sacct" if accounted else "scontrol" if details else "job",
    }
    if record.earlier:
        facts["slurm_earlier_jobs"] = ", ".join(str(job) for job in record.earlier)
    attempts = folder.attempts()
    if attempts:
        facts["slurm_node"] = attempts[-1][2]
        facts["slurm_queue_seconds"] = round(max(0.0, attempts[0][0] - record.submitted), 2)
    if details.get("Partition"):
        facts["slurm_partition"] = details["Partition"]
    elapsed = _elapsed(accounted, details, folder)
    cpus = int(details.get("NumCPUs") or (accounted[0]["AllocCPUS"] if accounted else 0) or 0)
    seconds, peak = _used(accounted, folder)
    if elapsed is not None:
        facts["slurm_elapsed_seconds"] = elapsed
    if cpus:
        facts["slurm_cpus"] = cpus
    if seconds is not None and elapsed and cpus:
        facts["slurm_cpu_efficiency"] = round(min(1.0, seconds / (elapsed * cpus)), 3)
    if peak:
        facts["slurm_peak_memory_mb"] = round(peak / 2**20, 1)
    return facts


def _elapsed(accounted: list[dict[str, str]], details: dict[str, str], folder: JobFolder) -> float | None:
    """Seconds of the last attempt, by the script's own marks where it left both: Slurm counts whole seconds, and later."""
    attempts = folder.attempts()
    try:
        ended = (folder.path / "exit").stat().st_mtime
    except FileNotFoundError:
        ended = None
    if attempts and ended is not None and ended >= attempts[-1][0]:
        return round(ended - attempts[-1][0], 1)
    if accounted and accounted[0]["ElapsedRaw"].isdigit():
        return float(accounted[0]["ElapsedRaw"])
    try:
        begin, end = (datetime.fromisoformat(details[key]) for key in ("StartTime", "EndTime"))
    except (KeyError, ValueError):
        return None
    return (end - begin).total_seconds()


def _used(accounted: list[dict[str, str]], folder: JobFolder) -> tuple[float | None, float]:
    """Return processor seconds and peak bytes, the larger where two sources differ."""
    try:
        own = json.loads(folder.usage.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        own = {}
    seconds = [_seconds(line["TotalCPU"]) for line in accounted if line["TotalCPU"]]
    if "cpu_seconds" in own:
        seconds.append(float(own["cpu_seconds"]))
    peaks = [_bytes(line["MaxRSS"]) for line in accounted] + [float(own.get("peak_memory_bytes", 0))]
    return max(seconds, default=None), max(peaks, default=0.0)


def _seconds(text: str) -> float:
    """Read sacct's ``[D-]HH:MM:SS`` or ``MM:SS.mmm``."""
    days, _, clock = text.rpartition("-")
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part or 0)
    return total + 86_400 * int(days or 0)


def _bytes(text: str) -> float:
    """Read sacct's ``328000K``."""
    match = re.fullmatch(r"([\d.]+)([KMGT]?)", text)
    return float(match[1]) * _UNITS[match[2]] if match else 0.0
