"""Slurm's words for how a job does, and what they mean for a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FINAL = frozenset(
    ["BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"]
)
MAY_COME_BACK = frozenset({"PREEMPTED", "NODE_FAIL", "BOOT_FAIL"})
"""A job in these may be about to be queued again."""
OUT_OF_MEMORY_MARKS = ("oom-kill", "oom_kill", "exceeded job memory limit", "exceeded memory limit")
"""What Slurm writes into the log of a job whose memory it polices itself; the state is FAILED then."""
NODE_FAILURES = frozenset({"NODE_FAIL", "BOOT_FAIL"})
NEVER_STARTS = frozenset(
    {
        "BadConstraints",
        "DependencyNeverSatisfied",
        "InvalidAccount",
        "InvalidQOS",
        "JobHoldMaxRequeue",
        "PartitionConfig",
        "PartitionNodeLimit",
        "PartitionTimeLimit",
        "launch failed requeued held",
    }
)
"""Reasons for which a pending job waits for ever, unless somebody changes the job or the cluster."""


@dataclass(frozen=True)
class JobState:
    """One job as the controller sees it now."""

    job: int
    state: str
    reason: str = ""
    nodes: str = ""
    tasks: Mapping[int, JobState] = field(default_factory=dict)
    """The tasks of a job array by their numbers; the array itself has no state."""

    @property
    def is_final(self) -> bool:
        """Whether the job is over (or may be about to be queued again)."""
        return self.state in FINAL

    @property
    def is_pending(self) -> bool:
        """Whether it waits for its start."""
        return self.state in {"PENDING", "REQUEUED", "CONFIGURING"}
