"""Watch a run from inside: which run ZenML made, when each step starts and ends, which steps were cached."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pipelines.progress import Progress

if TYPE_CHECKING:
    from zenml.models import StepRunResponse
    from zenml.orchestrators import BaseOrchestrator


@dataclass(frozen=True)
class StepRecord:
    """One step of a run: its wall-clock seconds (0 where it was cached) and the rows of the largest table it made, if any."""

    name: str
    seconds: float
    cached: bool
    rows: int | None


class StepObserver:
    """Wraps one orchestrator's ``run`` and ``run_step`` while a run lasts, and tells a :class:`Progress`.

    ZenML's own hooks do not hear of cached steps, and run inside the job where a step is remote; this hears of both.
    """

    def __init__(self, orchestrator: BaseOrchestrator, progress: Progress, check: Callable[[], None] = lambda: None) -> None:
        self._orchestrator: Any = orchestrator
        self._progress = progress
        self._check = check
        self._run: UUID | None = None
        self._order: list[str] = []
        self._begun: set[str] = set()
        self._records: dict[str, StepRecord] = {}
        self._cache_was_read = False

    @property
    def run_id(self) -> UUID | None:
        """The ZenML run, once there is one."""
        return self._run

    def has_begun(self, step: str) -> bool:
        """Tell whether a step of this name has begun in this run; one that was cached has not."""
        return step in self._begun

    @property
    def records(self) -> list[StepRecord]:
        """The steps that ended well, in the pipeline's order."""
        return [self._records[name] for name in self._order if name in self._records]

    def __enter__(self) -> StepObserver:
        run, run_step = self._orchestrator.run, self._orchestrator.run_step

        def observed_run(snapshot: Any, stack: Any, placeholder_run: Any = None) -> None:
            self._run = placeholder_run.id if placeholder_run else None
            self._order = list(snapshot.step_configurations)
            run(snapshot=snapshot, stack=stack, placeholder_run=placeholder_run)
            self._note_cached()

        def observed_step(step: Any) -> None:
            self._check()
            self._note_cached()
            name = step.spec.invocation_id
            self._begun.add(name)
            place = self._order.index(name) + 1
            self._progress.started(place, len(self._order), name)
            begin = time.monotonic()
            run_step(step=step)
            seconds = time.monotonic() - begin
            ended = self._find(name)
            self._note(name, seconds=seconds, cached=_is_cached(ended), rows=_rows(ended))

        self._orchestrator.run, self._orchestrator.run_step = observed_run, observed_step
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        del self._orchestrator.run, self._orchestrator.run_step
        self._progress.close()

    def _note_cached(self) -> None:
        """Report the steps ZenML took from its cache before the first one ran."""
        if self._run is None or self._cache_was_read:
            return
        self._cache_was_read = True
        for name in self._order:
            step = self._find(name)
            if _is_cached(step):
                self._note(name, seconds=0.0, cached=True, rows=_rows(step))

    def _find(self, name: str) -> StepRunResponse | None:
        from zenml.client import Client

        found = Client().list_run_steps(pipeline_run_id=self._run, name=name, hydrate=True, size=1, sort_by="desc:created").items
        return found[0] if found else None

    def _note(self, name: str, *, seconds: float, cached: bool, rows: int | None) -> None:
        self._records[name] = StepRecord(name, seconds, cached, rows)
        place = self._order.index(name) + 1
        self._progress.finished(place, len(self._order), name, seconds=seconds, rows=rows, note="cached" if cached else "")


def _is_cached(step: StepRunResponse | None) -> bool:
    return step is not None and str(step.status) == "cached"


def _rows(step: StepRunResponse | None) -> int | None:
    """Return the rows of the largest table that a step made; None where it made none."""
    made = [artifact for versions in ({} if step is None else step.outputs).values() for artifact in versions]
    tables = [artifact.run_metadata.get("rows") for artifact in made if artifact.data_type.attribute == "Table"]
    return max((rows for rows in tables if isinstance(rows, int)), default=None)
