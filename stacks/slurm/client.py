"""Slurm's commands: each with a time limit, a clean environment and no shell."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from .errors import CommandError, SettingsError
from .states import JobState

_UNCONFIGURED = "could not establish a configuration source"
"""No slurm.conf, and no controller that hands one out; where sites do without the file, that may pass."""
_UNREACHABLE = (
    "unable to contact slurm controller",
    "unable to connect to slurm",
    "socket timed out",
    "connection refused",
    "zero bytes were transmitted",
    "communication connection failure",
    "unexpected message received",
    "slurm temporarily unable to accept job",
    "resource temporarily unavailable",
    "slurmctld is in standby",
    "backup controller",
    "communications shutdown",
    _UNCONFIGURED,
)
_FIRST_ANSWER_SECONDS = 20.0
"""How long a controller may take to answer before a run begins."""
_STATE_FORMAT = "%i|%T|%r|%N"
_ACCOUNTED = (
    "JobIDRaw",
    "State",
    "ExitCode",
    "ElapsedRaw",
    "TotalCPU",
    "AllocCPUS",
    "MaxRSS",
    "NodeList",
    "Submit",
    "Start",
    "End",
)


class SlurmClient:
    """Talks to one cluster: the one ``SLURM_CONF`` names, or the machine's own."""

    def __init__(self, command_seconds: float = 60.0) -> None:
        self._seconds = command_seconds

    @staticmethod
    def check_installed() -> None:
        """Raise :class:`SettingsError` where Slurm's commands are not on the PATH, or SLURM_CONF names no file."""
        missing = [name for name in ("sbatch", "squeue", "scontrol", "scancel") if shutil.which(name) is None]
        if missing:
            raise SettingsError(
                f"Slurm's commands are not here: {', '.join(missing)}.",
                "Run this on a cluster's login node, or load its Slurm module.",
            )
        unread = _unread_configuration()
        if unread is not None:
            raise SettingsError(unread, "Let it name the cluster's slurm.conf, or unset it on a login node that needs none.")

    def submit(self, options: Sequence[str], script: Path, *arguments: str) -> int:
        """Submit a job and return its id; what Slurm refuses is a :class:`SettingsError` in Slurm's words."""
        try:
            out = self._run(["sbatch", *options, str(script), *arguments])
        except CommandError as error:
            if error.unreachable:
                raise
            raise self._refused(error) from error
        return int(out.strip().split(";")[0])

    def find(self, name: str) -> int | None:
        """Return the latest job of this user with that name, or None."""
        out = self._run(["squeue", "--noheader", "--me", f"--name={name}", "--states=all", "--format=%F"])
        found = [int(line) for line in out.split() if line.isdigit()]
        return max(found, default=None)

    def own_jobs(self) -> list[tuple[int, str]]:
        """Return id and name of each job of this user that the controller knows, whatever became of it; of an array, one."""
        out = self._run(["squeue", "--noheader", "--me", "--states=all", "--format=%F|%j"])
        lines = [line.strip().split("|", 1) for line in out.splitlines()]
        return sorted({(int(line[0]), line[1]) for line in lines if line[0].isdigit() and len(line) == 2})

    def states(self, jobs: Iterable[int]) -> dict[int, JobState]:
        """Return the jobs the controller still knows, in one query; a job array comes with its tasks."""
        wanted = ",".join(str(job) for job in sorted(jobs))
        try:
            out = self._run(["squeue", "--noheader", "--array", "--states=all", f"--jobs={wanted}", f"--format={_STATE_FORMAT}"])
        except CommandError as error:
            if "invalid job id" in str(error).lower():
                return {}
            raise
        return _by_job([line.split("|", 3) for line in out.splitlines() if line.count("|") >= 3])

    def details(self, job: int) -> dict[str, str]:
        """Return what the controller knows of a job; nothing where it has forgotten it."""
        try:
            out = self._run(["scontrol", "--oneliner", "show", "job", str(job)])
        except CommandError as error:
            if "invalid job id" in str(error).lower():
                return {}
            raise
        return dict(word.split("=", 1) for word in out.split() if "=" in word)

    def accounting(self, job: int) -> list[dict[str, str]]:
        """Return the accounting's lines of a job and its steps, the last attempt only; none without accounting."""
        if shutil.which("sacct") is None:
            return []
        command = ["sacct", f"--jobs={job}", "--noheader", "--parsable2", f"--format={','.join(_ACCOUNTED)}"]
        try:
            out = self._run(command)
        except CommandError:
            return []  # "Slurm accounting storage is disabled", or its daemon is away
        return [dict(zip(_ACCOUNTED, line.split("|"), strict=False)) for line in out.splitlines() if "|" in line]

    def cancel(self, jobs: Iterable[int], *, at_once: bool = False) -> None:
        """Cancel jobs; ``at_once`` gives their processes no time to end by themselves. Jobs that are over are no error."""
        words = [str(job) for job in jobs]
        if not words:
            return
        for command in (["scancel", "--quiet", "--signal=KILL", "--full", *words], ["scancel", "--quiet", *words]):
            if not at_once and "--full" in command:
                continue
            try:
                self._run(command)
            except CommandError as error:
                if error.unreachable:
                    raise

    def partitions(self) -> list[str]:
        """Return the names of the partitions."""
        return sorted(set(self._run(["sinfo", "--noheader", "--format=%R"], _FIRST_ANSWER_SECONDS).split()))

    def partitions_of_the_site(self) -> list[str]:
        """Return the names of the partitions before a run begins.

        Raises
        ------
        SettingsError
            Slurm's commands know of no cluster.
        CommandError
            The controller does not answer.
        """
        try:
            return self.partitions()
        except CommandError as error:
            if _UNCONFIGURED in str(error).lower():
                remedy = "Run this on a cluster's login node, or let SLURM_CONF name its slurm.conf."
                raise SettingsError("Slurm's commands know of no cluster here.", remedy) from error
            raise CommandError(error.what, "'scontrol ping' tells whether the controller is up.", unreachable=True) from error

    def _refused(self, error: CommandError) -> SettingsError:
        text = str(error)
        remedy = "Nothing was submitted."
        if "invalid partition" in text.lower():
            try:
                remedy = f"Valid partitions: {', '.join(self.partitions())}. {remedy}"
            except CommandError:
                remedy = f"'sinfo' lists the valid ones. {remedy}"
        return SettingsError(text, remedy)

    def _run(self, command: list[str], seconds: float = math.inf) -> str:
        unread = _unread_configuration()
        if unread is not None:
            raise CommandError(unread, unreachable=True)
        seconds = min(seconds, self._seconds)
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                env=_clean_environment(),
            )
        except FileNotFoundError as error:
            raise SettingsError(f"'{command[0]}' is not here.", "Run this on a cluster's login node.") from error
        except subprocess.TimeoutExpired as error:
            raise CommandError(f"'{command[0]}' did not answer within {seconds:.0f} s.", unreachable=True) from error
        if done.returncode != 0:
            lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            said = " ".join(lines) or f"status {done.returncode}"
            unreachable = any(mark in said.lower() for mark in _UNREACHABLE)
            raise CommandError(f"{command[0]} failed: {said}.", unreachable=unreachable)
        return done.stdout


def _by_job(lines: list[list[str]]) -> dict[int, JobState]:
    """Sort squeue's lines: ``12`` is a job, ``12_3`` the task 3 of the array 12."""
    jobs: dict[int, JobState] = {}
    tasks: dict[int, dict[int, JobState]] = {}
    for name, state, reason, nodes in lines:
        job, _, task = name.partition("_")
        if name.isdigit():
            jobs[int(name)] = JobState(int(name), state, reason, nodes)
        elif job.isdigit() and task.isdigit():
            tasks.setdefault(int(job), {})[int(task)] = JobState(int(job), state, reason, nodes)
    return jobs | {job: JobState(job, "", tasks=of_it) for job, of_it in tasks.items()}


def _unread_configuration() -> str | None:
    """Say what is wrong with the file SLURM_CONF names, if anything is: Slurm's own commands try for a minute to read it."""
    named = os.environ.get("SLURM_CONF")
    if not named or (Path(named).is_file() and os.access(named, os.R_OK)):
        return None
    return f"SLURM_CONF names '{named}', which is not a file that can be read here."


def _clean_environment() -> dict[str, str]:
    """This process's environment without what would change Slurm's commands, such as SBATCH_PARTITION or a job around it."""
    kept = {"SLURM_CONF", "SLURM_CLUSTERS", "SLURM_JWT"}
    prefixes = ("SBATCH_", "SLURM_", "SQUEUE_", "SCANCEL_", "SACCT_", "SCONTROL_", "SINFO_", "SALLOC_")
    clean = {name: value for name, value in os.environ.items() if name in kept or not name.startswith(prefixes)}
    return clean | {"LC_ALL": "C.UTF-8"}
