"""The latest runs and verdicts, told in sentences that say what is simulated."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fusionguard.assistant.build import _once
from fusionguard.assistant.index import build_index, open_index
from fusionguard.assistant.model_runs import read_models
from fusionguard.assistant.monitoring_runs import read_verdicts
from fusionguard.assistant.passages import Passage
from fusionguard.assistant.reading import make_passage
from fusionguard.home import Home
from fusionguard.monitoring.history import VerdictRecord, append_verdict, history_file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Home(tmp_path)


def _record(**changes: object) -> VerdictRecord:
    at = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    record = VerdictRecord(
        at=at,
        run="monitoring-1",
        model="fraud",
        model_version="24f388cb18f1",
        first=at,
        last=at,
        rows=20_000,
        labelled=900,
        simulated=True,
        state="act",
        cause="population",
        action="retrain",
        since=at,
        features=("V14", "Amount"),
        largest_psi=0.4123,
        score_psi=0.05,
        alert_rate_change=0.5,
        metrics={"average_precision": 0.7012},
    )
    return record.model_copy(update=changes)


def test_the_latest_verdict_is_told_with_its_numbers_and_called_simulated(home: Home) -> None:
    file = history_file(home, "fraud")
    append_verdict(file, _record(run="monitoring-0", state="healthy", cause="none", features=()))
    append_verdict(file, _record())
    latest, earlier = read_verdicts(home).passages
    assert latest.heading == "Monitoring of fraud (SIMULATED data) > Latest monitoring verdict on fraud"
    assert latest.source == "run monitoring-1"
    assert latest.kind == "run"
    assert latest.file == ".fusionguard/monitoring/fraud/history.jsonl"
    for words in (
        "judged the fraud model 24f388cb18f1 on SIMULATED data: act.",
        "The likely cause is population, and the advice is: retrain.",
        "Drifted features: V14, Amount.",
        "The window held 20,000 rows, 900 of them with a known outcome",
        "was 0.412.",
        "The alert rate changed by +50.0 % against the reference.",
        "Measured on outcomes, average precision was 0.701.",
    ):
        assert words in latest.text
    assert earlier.text.count("healthy.") == 1


def test_real_windows_are_not_called_simulated(home: Home) -> None:
    append_verdict(history_file(home, "churn"), _record(model="churn", simulated=False))
    (latest,) = read_verdicts(home).passages
    assert "SIMULATED" not in latest.heading + latest.text


def test_a_question_about_monitoring_finds_the_verdict(home: Home, tmp_path: Path) -> None:
    append_verdict(history_file(home, "fraud"), _record())
    build_index(home, docs=tmp_path / "none", embed="never")
    with open_index(home.assistant_index, words_only=True) as index:
        found = index.search("Which features have drifted?").found
    assert found[0].passage.heading.endswith("Latest monitoring verdict on fraud")


def test_a_damaged_history_is_told_and_the_rest_is_known(home: Home) -> None:
    append_verdict(history_file(home, "churn"), _record(model="churn"))
    history_file(home, "fraud").parent.mkdir(parents=True)
    history_file(home, "fraud").write_text("{broken\n")
    reading = read_verdicts(home)
    assert [passage.source for passage in reading.passages] == ["run monitoring-1"]
    assert "Nothing is known of the monitoring of fraud" in reading.notes[0]


def test_a_home_without_models_says_so_and_a_damaged_registry_does_not_stop_it(home: Home) -> None:
    assert "No model has been trained" in read_models(home).notes[0]
    home.state.mkdir(parents=True)
    (home.state / "mlflow.db").write_bytes(b"no database at all" * 100)
    reading = read_models(home)
    assert reading.passages == ()
    assert [note.partition(":")[0] for note in reading.notes] == ["Nothing is known of the models"]


def test_a_card_that_repeats_a_document_is_known_once() -> None:
    def card(file: str, kind: str, text: str) -> Passage:
        return make_passage(kind=kind, file=file, heading=f"Card of {file} > Limits", text=text, source="x")  # type: ignore[arg-type]

    document = card("docs/card.md", "document", "Little time.")
    same, other = card("a/model_card.md", "card", "Little time."), card("a/model_card.md", "card", "Few frauds.")
    again = card("b/model_card.md", "card", "Few frauds.")
    assert _once((document, same, other, again)) == (document, other)
