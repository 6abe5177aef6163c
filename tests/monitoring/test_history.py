"""The history of verdicts: one whole line each, whoever writes at the same time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fusionguard.errors import StorageError
from fusionguard.home import Home
from fusionguard.monitoring.history import VerdictRecord, append_verdict, history_file, read_history, record_verdict
from fusionguard.monitoring.verdict import decide
from tests.monitoring.test_page import FACTS
from tests.monitoring.verdicts import DAY, MOVED, drift_of, outcomes_of

WRITER = """
import sys
from pathlib import Path
from fusionguard.monitoring.history import VerdictRecord, append_verdict
record = VerdictRecord.model_validate_json(Path(sys.argv[2]).read_bytes())
for number in range(100):
    append_verdict(Path(sys.argv[1]), record.model_copy(update={"run": f"{sys.argv[3]}-{number}"}))
"""


def a_record(run: str = "monitoring-1") -> VerdictRecord:
    return record_verdict(decide(drift_of(MOVED)), FACTS, drift_of(MOVED), outcomes_of(), run=run, at=DAY)


def test_verdicts_come_back_in_their_order_with_their_numbers(home: Home) -> None:
    file = history_file(home, "fraud")
    assert read_history(file) == ()
    records = tuple(a_record(f"monitoring-{number}") for number in range(3))
    for record in records:
        append_verdict(file, record)
    assert read_history(file) == records
    assert (records[0].state, records[0].largest_psi, records[0].features) == ("act", 1.0, ("V1",))
    assert history_file(home, "churn") != file


@pytest.mark.full
def test_runs_at_the_same_time_lose_no_line(home: Home, tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(a_record().model_dump_json())
    file = history_file(home, "fraud")
    command = [sys.executable, "-c", WRITER, str(file), str(tmp_path / "record.json")]
    for process in [subprocess.Popen([*command, name]) for name in ("a", "b")]:
        assert process.wait(120) == 0
    found = [record.run for record in read_history(file)]
    assert sorted(found) == sorted(f"{name}-{number}" for name in ("a", "b") for number in range(100))


def test_a_line_whose_writer_died_is_left_out_and_a_damaged_one_is_named(home: Home) -> None:
    file = history_file(home, "fraud")
    append_verdict(file, a_record())
    with file.open("ab") as stream:
        stream.write(b'{"at": "2026-')
    assert len(read_history(file)) == 1
    with file.open("ab") as stream:
        stream.write(b"\n")
    with pytest.raises(StorageError, match="damaged in line 2"):
        read_history(file)
