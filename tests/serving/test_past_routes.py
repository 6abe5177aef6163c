"""What a service that looks the past of rows up takes, answers, records and refuses."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from fusionguard.assistant.tools.models import ScoringModels
from fusionguard.datasets.history import memories
from fusionguard.errors import BundleError, StorageError, UsageError
from fusionguard.features.online.sqlite_state import SqliteState
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.recomputed import recompute_features
from fusionguard.monitoring.thresholds import MonitoringThresholds
from fusionguard.monitoring.window import read_window
from fusionguard.serving import remembering
from fusionguard.serving.app import RiskApp
from fusionguard.serving.launch import rehearse
from fusionguard.serving.loaded import load_release
from fusionguard.serving.prediction_log import Label, read_log
from fusionguard.serving.release import write_release
from fusionguard.serving.requests import RowReader
from fusionguard.serving.settings import ServeSettings
from fusionguard.serving.states import States, tell_outcomes
from fusionguard.serving.tables import ARROW, PARQUET, write_table
from tests.serving.conftest import released
from tests.serving.past_payments import EARLIER, NAME, PastPayments, train
from tests.serving.test_third_family import running

BATCH = f"/v1/{NAME}/score_batch"


@dataclass
class Served:
    past: PastPayments
    state: Path
    app: RiskApp
    client: httpx.Client

    def post(self, route: str, content: Any, **headers: str) -> httpx.Response:
        """Ask a route of the model."""
        return self.client.post(f"/v1/{NAME}/{route}", json=content, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def features(self, row: dict[str, Any]) -> dict[str, Any]:
        """What the model reads of a row, without recording it."""
        answered = self.post("explain", row)
        assert answered.status_code == 200, answered.text
        told = {each["feature"]: each["value"] for each in answered.json()["contributions"]}
        return {name: told[self.past.family.called(name)] for name in self.past.family.features.model_features}

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = self.client.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> PastPayments:
    """A small model whose rows have a past."""
    return train(tmp_path_factory.mktemp("past"))


@pytest.fixture(scope="module")
def built(past: PastPayments, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its state after the earlier rows; tests serve copies."""
    return past.build_state(tmp_path_factory.mktemp("built")).parent


@pytest.fixture
def served(past: PastPayments, built: Path, tmp_path: Path) -> Iterator[Served]:
    """A service in this process, with a state of its own."""
    state = shutil.copytree(built, tmp_path / "state")
    app = RiskApp(ServeSettings(release=past.release, log=tmp_path / "log", log_flush_seconds=0.05, state=str(state)))
    with running(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        yield Served(past, next(state.glob("*.sqlite")), app, client)


def payment(identity: str | None, minute: int, card: Any = "tok-new", **changed: Any) -> dict[str, Any]:
    """A payment of a card that the history does not have, some minutes after noon of a day behind it."""
    row = {
        "booked at": f"02.05.2024 12:{minute:02}",
        "betrag": 10.0,
        "currency": "GBP",
        "rate": None,
        "attempts": 0,
        "mcc": "5411",
        "card token": card,
    }
    return row | ({} if identity is None else {"payment id": identity}) | changed


def test_a_row_is_recorded_once_under_its_names_and_explaining_records_nothing(served: Served) -> None:
    assert served.features(payment("A", 1))["card_count_1d"] == 0
    for _ in range(2):
        assert served.post("score", payment("A", 1)).status_code == 200
    assert served.features(payment("B", 2))["card_count_1d"] == 1
    for _ in range(2):  # without the declared id: by what the client calls its row
        served.post("score", payment(None, 3, id="mine"))
    assert served.features(payment("B", 4))["card_count_1d"] == 2
    for _ in range(2):  # without any: by the request
        served.post("score", payment(None, 5), x_request_id="request-1")
    assert served.features(payment("B", 6))["card_count_1d"] == 3
    for _ in range(2):
        served.post("score", payment(None, 7))
    assert served.features(payment("B", 8))["card_count_1d"] == 5
    assert served.features(payment("A", 8))["card_count_1d"] == 0, "what was recorded sees what it saw"
    assert served.features(payment("B", 5))["card_count_1d"] == 2, "rows of the same second are not before it"


def test_rows_of_the_same_id_are_others_where_their_card_or_time_is_another(served: Served) -> None:
    def count(minute: int, card: str) -> Any:
        return served.features(payment("B", minute, card))["card_count_1d"]

    for minute, card in ((1, "tok-1"), (1, "tok-2"), (3, "tok-1"), (3, "tok-1")):  # as of clients that number each batch anew
        assert served.post("score_batch", {"rows": [payment(None, minute, card, id="1")]}).status_code == 200
    assert [count(2, "tok-1"), count(2, "tok-2"), count(4, "tok-1")] == [1, 1, 2]


def test_explaining_says_the_past_in_sentences_and_reasons_are_some_of_them(served: Served) -> None:
    def words(row: dict[str, Any]) -> dict[str, str]:
        told = served.post("explain", row).json()["contributions"]
        return {each["feature"]: each["words"] for each in told}

    for place, minute in enumerate((1, 2, 3)):
        served.post("score", payment(f"A{place}", minute))
    told = words(payment("B", 4, betrag=45.0))
    assert told["payments in 1 d"] == "3 payments in 1 d, none earlier in 30 d"
    assert told["seconds since the last payment"] == "1 min since the last payment, usually 10 d"
    assert told["amount paid against this card's usual of 1 d"] == "amount paid 4.5 times this card's usual of 1 d"
    assert told["mean amount paid in 1 d"] == "mean amount paid 10 GBP in 1 d, usually 10"
    assert words(payment("C", 5, "tok-other"))["payments in 30 d"].startswith("no payment before in 30 d, median ")
    assert words(payment("D", 5, None))["payments in 1 d"] == "card: not known"
    rows = [served.past.sent(place) for place in range(EARLIER, EARLIER + 150)]
    flagged = [(row, reasons) for row in rows if (reasons := served.post("score", row).json()["reasons"])]
    assert len(flagged) > 3
    for row, reasons in flagged[:8]:
        assert {*reasons} <= {*words(row).values()}
    assert any(" in 30 d" in reason or " in 1 d" in reason for _, reasons in flagged for reason in reasons)
    values = {str(row["card token"]) for row in rows}
    assert not any(value in reason for _, reasons in flagged for reason in reasons for value in values)


def test_keys_are_the_texts_that_a_table_holds(served: Served) -> None:
    served.post("score", payment("A", 1, 17))
    served.post("score", payment("B", 2, "17", betrag="20.5", currency="EUR", rate=0.5))
    seen = served.features(payment("C", 3, 17.0))
    assert (seen["card_count_1d"], seen["card_mean_1d"]) == (2, (10 + 10.25) / 2)
    assert seen["card_since_last"] == 60
    served.post("score", payment("D", 4, True))
    assert served.features(payment("E", 5, "true"))["card_count_1d"] == 1
    for nobody in (None, "", "  "):
        served.post("score", payment(None, 6, nobody))
        assert served.features(payment("F", 7, nobody))["card_count_1d"] is None
    left_out = payment("G", 8)
    del left_out["card token"]
    assert served.features(left_out)["card_count_1d"] is None
    refused = served.post("score", payment("H", 9, ["tok-1"]))
    assert refused.status_code == 422
    assert refused.json()["detail"] == "card token: expected a text, a whole number or a boolean, or null, found an array."
    assert served.post("score", payment("H", 9) | {"booked at": None}).json()["errors"][0]["path"] == "booked at"


def test_a_moment_is_one_everywhere(served: Served) -> None:
    """Clocks in London showed 01:30 twice on the last Sunday of October; as DuckDB has it, that is the later moment."""
    served.post("score", payment("A", 1, **{"booked at": "27.10.2024 00:30"}))
    seen = served.features(payment("B", 1, **{"booked at": "27.10.2024 01:30"}))
    assert seen["card_since_last"] == 7_200


@pytest.mark.parametrize("at_once", [1_000, 3])
@pytest.mark.parametrize("kind", ["rows", "columns", ARROW, PARQUET])
def test_a_batch_is_seen_in_the_order_of_time(served: Served, kind: str, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "ROWS_AT_ONCE", at_once)
    minutes = [9, 3, 5, 3]
    rows = [payment(f"B{place}", minute, betrag=10.0 + place) for place, minute in enumerate(minutes)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    if kind in ("rows", "columns"):
        answered = served.client.post(BATCH, json={"rows": rows} if kind == "rows" else {"columns": columns})
    else:
        body = write_table(pa.table(columns), kind)
        answered = served.client.post(BATCH, content=body, headers={"content-type": kind, "accept": "application/json"})
    assert answered.status_code == 200, answered.text
    seen = [served.features(row)["card_count_1d"] for row in rows]
    assert seen == [3, 0, 2, 0]
    content = answered.json()
    scores = content["columns"]["score"] if "columns" in content else [each["score"] for each in content["answers"]]
    alone = [served.post("score", row).json()["score"] for row in rows]
    np.testing.assert_allclose(scores, alone, atol=1e-5)
    assert len(set(np.round(scores, 6))) > 1


def test_a_table_names_its_rows_by_the_declared_id(served: Served) -> None:
    served.post("score", payment("A", 1))
    moments = [datetime(2024, 5, 2, 11, minute, tzinfo=UTC) for minute in (2, 3)]  # an hour less than on clocks in London
    columns = {name: [value] * 2 for name, value in payment("A", 0).items() if name not in ("booked at", "rate")}
    table = pa.table(columns | {"payment id": ["A", "B"], "booked at": moments, "card token": ["tok-new"] * 2})
    headers = {"content-type": ARROW, "accept": ARROW}
    answered = served.client.post(f"{BATCH}?id=payment%20id", content=write_table(table, ARROW), headers=headers)
    assert answered.status_code == 200, answered.text
    assert pa.ipc.open_stream(answered.content).read_all()["payment id"].to_pylist() == ["A", "B"]
    seen = served.features(payment("C", 4))
    assert (seen["card_count_1d"], seen["card_since_last"]) == (2, 60), "the payment that is known already is no other one"


def test_a_time_that_no_state_holds_is_refused(served: Served) -> None:
    far = payment("A", 1, **{"booked at": "02.05.9999 12:00"})
    for route, content in (("score", far), ("explain", far), ("score_batch", {"rows": [far]})):
        refused = served.post(route, content)
        assert refused.status_code == 422
        assert refused.json()["detail"] == "$: expected a row whose time lies within 3,000 years of 1970, found another."


def test_outcomes_are_told_by_request_and_row(served: Served) -> None:
    at = "2024-05-03T12:00:00Z"
    served.post("score_batch", {"rows": [payment("A", 1), payment("B", 2)]}, x_request_id="batch")
    served.post("score", payment("C", 3), x_request_id="single")
    before = served.features(payment("X", 0, **{"booked at": "05.05.2024 12:00"}))
    assert before["card_label_rate_30d"] == 0
    told = [("batch", 1, "Y"), ("single", 0, "N")]
    labels = [{"request_id": name, "row": row, "label": label, "observed_at": at} for name, row, label in told]
    for stored in (2, 0):
        assert served.post("labels", {"labels": labels}).json()["stored"] == stored
    assert served.features(payment("X", 0, **{"booked at": "05.05.2024 12:00"}))["card_label_rate_30d"] == pytest.approx(1 / 3)
    labels[1]["label"] = "Y"
    assert served.post("labels", {"labels": labels}).status_code == 409


def test_late_rows_are_counted_and_answered(served: Served) -> None:
    assert served.metric("fusionguard_late_events_total") == 0
    plan = memories(served.past.family.declared.declaration)  # type: ignore[union-attr]
    state = SqliteState(served.state, plan)
    state.prune(1_714_651_200)  # noon of 2 May 2024 in UTC: an hour before is the earliest that sees all
    state.close()
    assert served.post("score", payment("A", 0)).status_code == 200
    assert served.metric("fusionguard_late_events_total") == 0
    assert served.post("score", payment("B", 0, **{"booked at": "02.05.2024 11:30"})).status_code == 200
    assert served.metric("fusionguard_late_events_total") == 1


def test_without_its_state_a_service_answers_no_score(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    served.post("score", payment("A", 1))
    aside = served.state.with_name("aside")
    served.state.rename(aside)
    for route, content in (
        ("score", payment("B", 2)),
        ("explain", payment("B", 2)),
        ("score_batch", {"rows": [payment("B", 2)]}),
    ):
        refused = served.post(route, content)
        assert (refused.status_code, refused.json()["reason"], refused.headers["retry-after"]) == (503, "state", "5")
        assert str(served.state) not in refused.text
    said = [each.getMessage() for each in caplog.records if "cannot be looked up" in each.getMessage()]
    assert len(said) == 1 and "was deleted. Build it from the history: who asks it goes on with that." in said[0]
    assert served.metric("fusionguard_state_failures_total") == 3
    aside.rename(served.state)
    assert served.features(payment("C", 3))["card_count_1d"] == 1, "nothing was recorded meanwhile"


def test_the_description_shows_what_is_asked_for(served: Served) -> None:
    document = served.client.get("/openapi.json").json()
    row = document["components"]["schemas"][f"{NAME.capitalize()}Row"]
    assert row["properties"]["card token"]["type"] == ["string", "integer", "boolean", "null"]
    assert "booked at" in row["required"] and not {"card token", "payment id"} & set(row["required"])
    assert "503" in document["paths"][f"/v1/{NAME}/score"]["post"]["responses"]
    body = document["paths"][f"/v1/{NAME}/score"]["post"]["requestBody"]["content"]["application/json"]
    (example,) = body["examples"].values()
    assert {"booked at", "card token", "payment id"} <= example["value"].keys()
    assert served.post("score", example["value"]).status_code == 200


def test_a_challenger_sees_what_its_champion_sees(past: PastPayments, built: Path, tmp_path: Path) -> None:
    other = shutil.copytree(past.trained.bundle.folder, tmp_path / "other")
    policy = json.loads((other / "policy.json").read_text())
    (other / "policy.json").write_text(json.dumps(policy | {"review_cost": 5000.0}))
    facts = json.loads((other / "MANIFEST.json").read_text())
    facts.pop("files")
    (other / "MANIFEST.json").unlink()
    models = {f"{NAME}-champion": past.trained.bundle, f"{NAME}-challenger": Bundle.seal(other, **facts)}
    write_release(tmp_path / "release", released(models))
    state = shutil.copytree(built, tmp_path / "state")
    app = RiskApp(ServeSettings(release=tmp_path / "release", log=tmp_path / "log", log_flush_seconds=0.05, state=str(state)))
    with running(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        client.post(f"/v1/{NAME}/score", json=payment("A", 1))
        assert client.post(f"/v1/{NAME}/score", json=payment("B", 2)).status_code == 200
        assert client.post(BATCH, json={"rows": [payment("C", 3), payment("D", 4)]}).status_code == 200
        assert f'fusionguard_shadow_failures_total{{model="{NAME}"}} 0.0' in client.get("/metrics").text
    names = ["request_id", "row", *past.family.features.model_features]
    answered, shadow = (
        read_log(tmp_path / "log", past.family, shadow=each).table.select(names).sort_by("card_count_1d")
        for each in (False, True)
    )
    assert shadow.equals(answered) and shadow["card_count_1d"].to_pylist() == [0, 1, 2, 3]
    (file,) = state.glob("*.sqlite")
    remembered = SqliteState(file, memories(past.family.declared.declaration))  # type: ignore[union-attr]
    assert remembered.check().events == EARLIER + 4
    remembered.close()


def test_the_console_looks_the_past_up_like_a_service_and_records_nothing(
    served: Served, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, row = Home(tmp_path / "home"), payment("A", 30, served.past.sent(EARLIER)["card token"])
    models = ScoringModels(home, served.past.release)
    monkeypatch.delenv("FUSIONGUARD_SERVE_STATE", raising=False)
    with pytest.raises(StorageError, match=r"there is no state of that at .*Build it: fusionguard state build --model"):
        models.explain(NAME, row)
    folder = shutil.copytree(built, Path(home.online))
    expected = served.post("explain", row).json()
    for _ in range(2):
        told = models.explain(NAME, row)
        assert told.answer.values[0] == pytest.approx(expected["score"], abs=1e-9)
        assert sorted(told.words) == sorted(each["words"] for each in expected["contributions"])
    assert not any("card: not known" in each for each in told.words)
    (file,) = folder.glob("*.sqlite")
    remembered = SqliteState(file, memories(served.past.family.declared.declaration))  # type: ignore[union-attr]
    assert remembered.check().events == EARLIER
    remembered.close()


def test_monitoring_finds_logged_features_to_be_those_of_the_history(past: PastPayments, built: Path, tmp_path: Path) -> None:
    state = shutil.copytree(built, tmp_path / "state")
    app = RiskApp(ServeSettings(release=past.release, log=tmp_path / "log", log_flush_seconds=0.05, state=str(state)))
    end = EARLIER + 70
    with running(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        served = Served(past, next(state.glob("*.sqlite")), app, client)
        for place in range(EARLIER, EARLIER + 30):
            assert served.post("score", past.sent(place)).status_code == 200
        served.post("explain", past.sent(EARLIER + 5))
        served.post("score", payment(None, 1))
        many = client.post(BATCH, json={"rows": [past.sent(place) for place in range(EARLIER + 30, end)]})
        assert many.status_code == 200, many.text
    owned = past.rows.iloc[:end].copy()
    owned.loc[owned.index[EARLIER:], ["chargeback", "chargeback known"]] = ""  # nobody told them
    owned.to_csv(tmp_path / "rows.csv", index=False)
    version = past.trained.bundle.version
    window = read_window(tmp_path / "log", past.family, version, tmp_path / "window.parquet").table
    given = past.family, tmp_path / "rows.csv"
    found = recompute_features(window, *given, rows=500, thresholds=MonitoringThresholds(), scratch=tmp_path)
    assert (found.rows, found.compared, found.differing, found.findings) == (72, 70, 0, ())
    assert found.incomparable == {"nameless": 2}, "what was only explained, and what tells no id"
    logged = window.read(["past_event", "past_exact"])
    assert logged["past_exact"].to_pylist().count(True) == 71, "explaining records nothing"
    text = str(logged["past_event"].to_pylist())
    assert not any(past.sent(place)["payment id"] in text for place in range(EARLIER, end))
    numbers = window.read(["past_owner"])["past_owner"].to_pylist()
    cards = [past.sent(place)["card token"] for place in range(EARLIER, end)]
    known = [number for number in numbers if number is not None]
    assert sorted(Counter(known).values()) == sorted(Counter([*filter(None, cards), "tok-new"]).values())
    assert not any(card in str(numbers) for card in cards if card), (
        "a number tells which rows are of one card, and not which card"
    )

    owned.loc[owned.index[EARLIER - 3], "card token"] = owned.loc[owned.index[EARLIER + 20], "card token"]
    owned.to_csv(tmp_path / "rows.csv", index=False)
    found = recompute_features(window, *given, rows=500, thresholds=MonitoringThresholds(), scratch=tmp_path)
    assert found.findings and {each.kind for each in found.findings} == {"skew"}
    assert all(each.subject.startswith("card_") for each in found.findings if each.effect > 2 / 70)


def test_outcomes_from_a_file_are_seen_like_those_that_are_posted(served: Served) -> None:
    served.post("score", payment("A", 1), x_request_id="first")
    micros = 1_714_737_600_000_000  # noon of 3 May 2024
    tell_outcomes(str(served.state.parent), served.past.family, [Label("first", 0, 1, micros)])
    later = payment("X", 0, **{"booked at": "05.05.2024 12:00"})
    assert served.features(later)["card_label_rate_30d"] == 1
    tell_outcomes(str(served.state.parent / "none"), served.past.family, [Label("first", 0, 0, micros)])
    assert served.features(later)["card_label_rate_30d"] == 1


def test_a_service_is_not_started_without_its_state(past: PastPayments, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"No worker could start: .* Build it: fusionguard state build --model card-payments@3"):
        rehearse(ServeSettings(release=tmp_path / "release", state=str(tmp_path)), past.release)


def test_a_start_without_a_state_says_which_command_makes_one(past: PastPayments, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Set FUSIONGUARD_SERVE_STATE to the folder or the Redis"):
        load_release(past.release)
    with pytest.raises(StorageError, match=r"fusionguard state build --model card-payments@3 --history EARLIER_ROWS"):
        load_release(past.release, States(str(tmp_path)))


def test_a_service_goes_on_with_a_state_that_is_made_anew(past: PastPayments, tmp_path: Path) -> None:
    file = past.build_state(tmp_path)
    states = States(str(tmp_path))
    state = load_release(past.release, states).champions[NAME].state
    assert load_release(past.release, states).champions[NAME].state is state
    event = RowReader(past.family.request_fields).one(past.sent(EARLIER)).event
    assert state is not None and event is not None
    state.observe(event)
    past.build_state(tmp_path, "--replace", earlier=EARLIER - 100)
    assert state.check().events == EARLIER - 100, "nothing of the log beside the file that was replaced is in it"
    state.observe(event)
    states.close()
    assert [each.name for each in tmp_path.glob("*.sqlite*")] == [file.name]
    again = States(str(tmp_path))
    later = load_release(past.release, again).champions[NAME].state
    assert later is not None and later.check().events == EARLIER - 99
    again.close()
