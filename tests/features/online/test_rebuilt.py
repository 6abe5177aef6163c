"""A state that is built from a file of rows, some of which came late, goes on as the SQL over all rows has it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fusionguard.datasets.history import OF_OUTCOMES, memories
from fusionguard.datasets.resolving import resolve
from fusionguard.features.online.rebuild import read_history
from fusionguard.features.online.state import Keeping, Outcome
from tests.datasets.test_history import LATE, computed, draw, late, table_of
from tests.datasets.test_history_of_files import declared
from tests.features.online.states import Build
from tests.features.online.streams import online

IN_THE_FILE = 250


@pytest.mark.parametrize("after", [None, 70])
def test_outcomes_of_late_rows_of_the_file_are_where_the_sql_has_them(build: Build, after: int | None, tmp_path: Path) -> None:
    label = {
        "column": "fraud",
        "known": {"column": "told_at"} if after is None else {"after": f"{after}s"},
        "missing": "leave_out",
    }
    dataset = declared(label=label, ignored=[] if after is None else ["told_at"], **LATE)
    events = late(draw(43, rows=400), 43)
    if after is not None:
        events = [replace(each, positive=each.positive or 0, known=each.second + after) for each in events]
    known_late = [each.known is not None and each.arrived > each.known for each in events]
    assert sum(known_late[:IN_THE_FILE]) > 4 < sum(known_late[IN_THE_FILE:])
    found, table = computed(dataset.declaration, events), table_of(events)
    pq.write_table(table.slice(0, IN_THE_FILE), tmp_path / "earlier.parquet")
    plan = memories(dataset.declaration)
    history = read_history(resolve(dataset, table), tmp_path / "earlier.parquet", tmp_path)
    state = build(plan, history, Keeping(late_seconds=9_000))
    of_outcomes = [each.name for each in plan if each.kind in OF_OUTCOMES]
    for place, event in list(enumerate(events))[IN_THE_FILE:]:
        seen = state.observe(online(place, event, delayed=after is not None)).values
        assert {name: seen[name] for name in of_outcomes} == {name: found[name][place] for name in of_outcomes}, event
        if event.known is not None and (after is None or event.positive):
            state.tell(Outcome(f"P{place}", event.positive or 0, event.known))
    state.close()
