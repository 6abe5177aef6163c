"""What a clean-up must know of a home's jobs on clusters: runs that have some, also where their process died, and old folders."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionguard.clean.removal import REMOVED, Removal
from fusionguard.home import Home
from stacks.provision import own_stacks

if TYPE_CHECKING:
    from zenml.client import Client

_log = logging.getLogger("fusionguard.run")


@dataclass(frozen=True)
class JobsOfHome:
    """Jobs of the step operators of a home's stacks."""

    runs: frozenset[str]
    """Names of runs of which a job is in the queue or at work; they need their artifacts, and their folder in ``work``."""
    removals: tuple[Removal, ...]
    """Folders of jobs that nobody needs any more."""


def find_jobs(client: Client, home: Home) -> JobsOfHome:
    """Ask the step operators that keep jobs in folders; where a cluster does not answer, what its jobs may need stays."""
    runs: set[str] = set()
    removals: dict[Path, Removal] = {}
    for operator in _operators(client, home):
        found = operator.look_over_jobs()
        if found.silence is not None:
            _log.warning("What jobs may need is kept, for nobody knows which there are: %s", found.silence)
        runs |= {name for run in found.runs if (name := _name(client, run)) is not None}
        why = f"untouched for {operator.config.keep_days:g} days, and no job needs it"
        removals |= {path: Removal(path, "job folders and copies of the code", why) for path in found.expired}
        for path in Path(operator.config.folder).glob(f"*/.*{REMOVED}"):
            removals[path] = Removal(path, "files of processes that were killed", "never finished")
    return JobsOfHome(frozenset(runs), tuple(removals.values()))


def _operators(client: Client, home: Home) -> list[Any]:
    from zenml.enums import StackComponentType
    from zenml.stack import StackComponent

    parts = [part for stack in own_stacks(client, home) for part in stack.components.get(StackComponentType.STEP_OPERATOR, ())]
    operators = [StackComponent.from_model(part) for part in {part.id: part for part in parts}.values()]
    return [operator for operator in operators if hasattr(operator, "look_over_jobs")]


def _name(client: Client, run: Any) -> str | None:
    try:
        return str(client.get_pipeline_run(run, hydrate=False).name)
    except KeyError:  # ZenML has forgotten it
        return None
