"""``fusionguard state`` makes, checks and prunes what a service remembers, also while it runs."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest
from click.testing import Result
from typer.testing import CliRunner

from fusionguard.cli import app
from fusionguard.datasets.history import memories
from fusionguard.errors import StorageError, UsageError
from fusionguard.features.online.rebuild import read_history
from fusionguard.features.online.sqlite_state import SqliteState
from fusionguard.features.online.state import Event, Outcome
from fusionguard.models.bundle import Bundle
from fusionguard.serving.app import RiskApp
from fusionguard.serving.settings import ServeSettings
from tests.serving.past_payments import EARLIER, NAME, PastPayments, train
from tests.serving.test_third_family import running

DELAYED = {"known: {column: chargeback known}": "known: {after: 12d}", "entities:": "ignored: [chargeback known]\nentities:"}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> PastPayments:
    """A small model of payments whose outcomes count twelve days later."""
    return train(tmp_path_factory.mktemp("delayed"), DELAYED)


def state(folder: Path, command: str, bundle: Bundle, *words: str) -> Result:
    """Run one of the commands."""
    given = ["state", command, "--model", str(bundle.folder), *words]
    return CliRunner(env={"FUSIONGUARD_SERVE_STATE": str(folder)}).invoke(app, given)


def test_a_delayed_outcome_counts_for_the_service_when_it_does_for_files(past: PastPayments, tmp_path: Path) -> None:
    folder = past.build_state(tmp_path / "state").parent
    end = EARLIER + 160  # about eight days: what came after the history is not known yet
    expected, scores = past.expected(EARLIER, end)
    served = RiskApp(ServeSettings(release=past.release, state=str(folder)))
    rows = [past.sent(place) for place in range(EARLIER, end)]
    with running(served) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        found = [client.post(f"/v1/{NAME}/explain", json=row).json() for row in rows[:1]]
        answers = client.post(f"/v1/{NAME}/score_batch", json={"rows": rows}).json()["answers"]
        found += [client.post(f"/v1/{NAME}/explain", json=row).json() for row in rows[1:]]
        checked = state(folder, "check", past.trained.bundle)
        assert checked.exit_code == 0 and f"by {end:,} rows, in" in checked.output
        pruned = state(folder, "prune", past.trained.bundle)
        assert pruned.exit_code == 0 and f"by {end:,} rows" in pruned.output, "an outcome may be told of rows for 120 days"
        again = client.post(f"/v1/{NAME}/score", json=rows[-1]).json()
        late = f'fusionguard_late_events_total{{model="{NAME}"}}'
        assert f"{late} 0.0" in client.get("/metrics").text
        client.post(f"/v1/{NAME}/score", json=rows[0])
        assert f"{late} 1.0" in client.get("/metrics").text, "what a row of eight days before saw is forgotten"
    np.testing.assert_allclose([each["score"] for each in answers], scores, atol=1e-5)
    assert again["score"] == pytest.approx(scores[-1], abs=1e-5), "what two days before saw is still known after pruning"
    features = [{each["feature"]: each["value"] for each in answer["contributions"]} for answer in found]
    for name in past.family.features.model_features:
        assert [each[past.family.called(name)] for each in features] == expected[name].to_pylist(), name
    rates = expected["place_label_rate_7d"].drop_null()
    assert pa.compute.max(rates).as_py() > pa.compute.min(rates).as_py()


def test_what_no_history_says_counts_as_negative_until_it_is_told(past: PastPayments, tmp_path: Path) -> None:
    rows = past.rows.iloc[:EARLIER].copy()
    rows.loc[[3, EARLIER - 1], "chargeback"] = ""
    rows.loc[5, "payment id"] = ""
    rows.to_csv(tmp_path / "history.csv", index=False)
    described = past.family.declared
    assert described is not None
    stream = list(read_history(described, tmp_path / "history.csv", tmp_path))
    events = [each for each in stream if isinstance(each, Event)]
    outcomes = {each.id: each for each in stream if isinstance(each, Outcome)}
    assert [each.second for each in events] == sorted(each.second for each in events) and len(events) == EARLIER
    by_id = {each.id: each for each in events}
    silent, told, last = by_id["id P0000003"], by_id["id P0000004"], by_id[f"id P{EARLIER - 1:07d}"]
    assert [each.known - each.second for each in (silent, last) if each.known is not None] == [12 * 86_400] * 2
    assert told.known == outcomes[told.id].second == told.second + 12 * 86_400
    assert [(outcomes[each.id].positive, outcomes[each.id].second) for each in (silent, last)] == [
        (0, silent.known),
        (0, last.known),
    ]
    assert "history 5" in by_id and outcomes["history 5"].positive == int(rows.loc[5, "chargeback"] == "Y")


def test_what_is_there_is_not_replaced_by_accident(past: PastPayments, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    empty = state(tmp_path / "state", "build", past.trained.bundle)
    assert empty.exit_code == 0 and "It remembers 0 entities by 0 rows" in empty.output
    refused = state(tmp_path / "state", "build", past.trained.bundle)
    assert isinstance(refused.exception, StorageError)
    assert "is there already. Serve with it, or make it anew with --replace" in str(refused.exception)
    file = past.build_state(tmp_path / "state", "--replace", earlier=700)
    assert sorted(each.name for each in file.parent.iterdir() if each.name.startswith(NAME)) == [file.name]
    plan = memories(past.family.declared.declaration)  # type: ignore[union-attr]
    made = SqliteState(file, plan)
    assert made.check().events == 700
    made.close()


def test_a_row_that_is_years_ahead_makes_nothing_be_forgotten(past: PastPayments, tmp_path: Path) -> None:
    rows = past.rows.iloc[:600].copy()
    last = rows["booked at"].iloc[-1]
    rows.loc[[3, 4], "booked at"] = ["01.01.2026 12:00", "02.01.2026 12:00"]
    rows.to_csv(tmp_path / "history.csv", index=False)
    assert state(tmp_path, "build", past.trained.bundle, "--history", str(tmp_path / "history.csv")).exit_code == 0
    before = state(tmp_path, "check", past.trained.bundle).output
    pruned = state(tmp_path, "prune", past.trained.bundle)
    assert pruned.exit_code == 0
    told, after = pruned.output.split("\n", 1)
    assert "rows are later, the latest of 2026-01-02 12:00 UTC." in told and f"before 2024-{last[3:5]}" in told
    assert "by 600 rows" in before and "by 600 rows" in after


def test_a_history_that_is_not_as_declared_leaves_nothing_behind(past: PastPayments, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    rows = past.rows.iloc[:50].copy()
    rows.loc[7, "booked at"] = "yesterday"
    rows.to_csv(tmp_path / "history.csv", index=False)
    refused = state(folder, "build", past.trained.bundle, "--history", str(tmp_path / "history.csv"))
    assert "Column 'booked at' has 1 cell that is not a time" in str(refused.exception) and "(rows 7)" in str(refused.exception)
    absent = state(folder, "build", past.trained.bundle, "--history", str(tmp_path / "absent.csv"))
    assert isinstance(absent.exception, UsageError)
    assert list(folder.iterdir()) == []


def test_a_model_without_windows_needs_none(payments_bundle: Bundle, tmp_path: Path) -> None:
    for command in ("build", "check", "prune"):
        refused = state(tmp_path, command, payments_bundle)
        assert str(refused.exception) == "The models of card-payments read nothing of earlier rows. They need no state."


def test_what_is_damaged_or_absent_is_said(past: PastPayments, tmp_path: Path) -> None:
    assert "There is no state of entities at" in str(state(tmp_path, "check", past.trained.bundle).exception)
    file = past.build_state(tmp_path, earlier=300)
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    file.write_bytes(content)
    told = state(tmp_path, "check", past.trained.bundle)
    assert isinstance(told.exception, StorageError) and "is damaged" in str(told.exception)
