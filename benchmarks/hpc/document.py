"""The section that is written between the markers; every verdict is computed from the numbers."""

from __future__ import annotations

from statistics import median

from benchmarks.hpc.results import CHECKPOINT_SECONDS, AddedSeconds, HpcResults, LostWork, Polling, Submissions
from benchmarks.markdown import table

BEGIN = "<!-- benchmarks/hpc -->"
ADDED_TARGET = 2.5
POLL_SECONDS_TARGET = 5.0


def section(results: HpcResults) -> str:
    """Return the Markdown of the results, without the markers."""
    software = f"ZenML {results.machine.libraries['zenml']}, {results.slurm}"
    opening = (
        "Written by `python -m benchmarks.hpc`; all numbers come from one call, which took"
        f" {results.seconds / 60:.1f} minutes.\n\n"
        f"{results.machine.sentences(software)}\n"
        "Controller, node and client share these cores, and the node claims more of them than there are."
    )
    parts = [opening, _added(results.added), _lost(results.lost), _submissions(results.submissions), _polling(results.polling)]
    return "\n\n".join(parts)


def _verdict(met: bool) -> str:
    return "Met" if met else "Not met"


def _added(measured: AddedSeconds) -> str:
    queued, whole = median(measured.queued), median(measured.as_job)
    rows = [
        ("in this process", f"{median(measured.in_process):.2f}"),
        ("as a job", f"{whole:.2f}"),
        ("of that in Slurm's queue", f"{queued:.2f}"),
        ("**added beyond the queue**", f"**{measured.added:.2f}**"),
    ]
    return (
        "## Seconds a step takes longer as a job\n\n"
        f"A step that does nothing, in one run by turns here and as a job, {len(measured.as_job)} times each; medians. From the"
        " step's begin to the moment ZenML goes on: submitting, Python's start, importing ZenML, opening the store, noticing the"
        " end, and the metadata. What a step itself imports comes on top.\n\n"
        f"{table(('', 'seconds'), rows)}\n\n"
        f"Target: at most {ADDED_TARGET} s beyond queue time. {_verdict(measured.added <= ADDED_TARGET)}: {measured.added:.2f} s."
    )


def _lost(measured: tuple[LostWork, ...]) -> str:
    rows = [
        (
            f"{each.trainer}, {'warned' if each.warned else 'no warning'}",
            f"{each.lost_seconds:.2f}",
            str(each.again),
            f"{each.bound_seconds:.2f}",
            f"{each.point_seconds:.3f}",
            f"{each.away_seconds:.1f}",
            _verdict(each.lost_seconds <= each.bound_seconds).lower(),
        )
        for each in measured
    ]
    head = ("", "seconds lost", "rounds or epochs done twice", "at most", "one round or epoch", "seconds until at work", "target")
    return (
        "## Work lost to a preemption\n\n"
        "Both trainers at once, each a job on the interruptible partition that a job with a higher priority takes. Without a"
        f" warning, the training hears no signal and works until it is killed; it saves every {CHECKPOINT_SECONDS:.0f} s (60 by"
        " default). Lost is the time from the last saved state to the last round or epoch that the first attempt finished; at"
        " most is the longest round or epoch, and the checkpoint's period where nobody warns.\n\n"
        f"{table(head, rows)}"
    )


def _submissions(measured: Submissions) -> str:
    rows = [
        (name, f"{seconds:.2f}", f"{measured.jobs * 60 / seconds:,.0f}")
        for name, seconds in (("one by one", measured.one_by_one_seconds), ("one array", measured.array_seconds))
    ]
    head = (f"{measured.jobs} jobs", "seconds", "jobs a minute")
    return f"## Submissions\n\n{table(head, rows)}\n\nOne by one includes the job's folder, its environment file and its record."


def _polling(measured: tuple[Polling, ...]) -> str:
    rows = [(str(each.jobs), f"{each.seconds:.0f}", str(each.calls), f"{each.a_minute:.1f}") for each in measured]
    allowed = 60 / POLL_SECONDS_TARGET
    # A window that opens and closes with a query holds one more than its length says.
    met = all(each.calls <= each.seconds / POLL_SECONDS_TARGET + 1 for each in measured)
    head = ("running jobs", "seconds watched", "commands that asked", "a minute")
    return (
        "## Load on the controller\n\nEvery call of `squeue`, `scontrol`, `sacct` and `sinfo` is counted by a script first on the"
        f" PATH.\n\n{table(head, rows)}\n\n"
        f"Target: at most one query in {POLL_SECONDS_TARGET:.0f} s, however many jobs: {allowed:.0f} a minute. {_verdict(met)}."
    )
