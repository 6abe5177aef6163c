"""The numbers about jobs: read from journals, judged by computing, written between markers."""

from __future__ import annotations

import pytest

from benchmarks.hpc.document import section
from benchmarks.hpc.lost_work import Note, lost_work
from benchmarks.hpc.results import AddedSeconds, HpcResults, Polling, Submissions
from benchmarks.machine import Machine


def _notes(process: int, *lines: tuple[float, str]) -> list[Note]:
    return [Note(time, process, what) for time, what in lines]


def test_a_warned_training_that_saved_where_it_stopped_has_lost_nothing() -> None:
    first = _notes(1, (0, "point"), (1, "point"), (2, "point"), (2, "saving"), (2.1, "saved"), (2.1, "waits"))
    found = lost_work("x", first + _notes(2, (12, "point"), (13, "end")), 0.0, 4, warned=True)
    assert (found.lost_seconds, found.again, found.point_seconds, found.away_seconds) == (0.0, 0, 1.0, 10.0)


def test_a_training_that_was_killed_while_it_saved_has_lost_all_since_the_state_before() -> None:
    first = _notes(1, (0, "point"), (1, "point"), (1, "saving"), (1.1, "saved"), (2, "point"), (4, "point"), (4, "saving"))
    second = _notes(2, (10, "point"), (11, "point"), (12, "point"), (12, "end"))
    found = lost_work("x", first + second, 2.0, 5, warned=False)
    assert (found.lost_seconds, found.again, found.bound_seconds) == (3.0, 2, 4.0)


def _results(as_job: float, calls: int) -> HpcResults:
    first = _notes(1, (0, "point"), (1, "point"), (1, "saving"), (1.1, "saved"), (4, "point"))
    lost = lost_work("xgboost", first + _notes(2, (9, "point")), 0.5, 3, warned=False)
    machine = Machine(cores=2, memory_gb=8, system="Debian", python="3.11", libraries={"zenml": "0.98.0"}, load=0.1)
    return HpcResults(
        machine=machine,
        slurm="Slurm 22.05",
        added=AddedSeconds(in_process=(0.2, 0.3, 9.0), as_job=(as_job, as_job, as_job), queued=(1.0, 1.0, 1.0)),
        lost=(lost,),
        submissions=Submissions(jobs=20, one_by_one_seconds=2.0, array_seconds=0.1),
        polling=(Polling(jobs=1, seconds=25.0, calls=calls),),
        seconds=120.0,
    )


@pytest.mark.parametrize(("as_job", "verdict"), [(3.8, "Met: 2.50 s"), (3.9, "Not met: 2.60 s")])
def test_the_verdict_on_added_seconds_is_computed_without_the_queue(as_job: float, verdict: str) -> None:
    assert verdict in section(_results(as_job, 5))


@pytest.mark.parametrize(("calls", "verdict"), [(6, "12 a minute. Met."), (7, "12 a minute. Not met.")])
def test_the_verdict_on_polling_is_computed(calls: int, verdict: str) -> None:
    assert verdict in section(_results(3.0, calls))


def test_the_table_of_lost_work_holds_what_was_measured() -> None:
    assert "| xgboost, no warning | 3.00 | 1 | 3.50 | 2.000 | 5.0 | met |" in section(_results(3.0, 5))
