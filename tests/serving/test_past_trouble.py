"""A service whose state is down, gone, damaged or full says so, refuses or scores without it, and goes on by itself."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from click.testing import Result
from typer.testing import CliRunner

from fusionguard.cli import app as command_line
from fusionguard.errors import BundleError
from fusionguard.features.online import redis_server
from fusionguard.features.online.place import state_place
from fusionguard.features.online.state import OnlineState
from fusionguard.serving.app import RiskApp
from fusionguard.serving.launch import rehearse
from fusionguard.serving.settings import ServeSettings
from fusionguard.serving.tables import ARROW, write_table
from tests.redis_server import RunningRedis, running_redis
from tests.serving.past_payments import EARLIER, NAME, PastPayments, train
from tests.serving.test_past_routes import payment
from tests.serving.test_release import reseal
from tests.serving.test_third_family import running

REFUSED = "What happened before cannot be looked up now, so nothing was scored. The service's log says what to do."


@dataclass
class Asked:
    """A service in this process."""

    past: PastPayments
    where: str
    app: RiskApp
    client: httpx.Client

    def score(self, row: dict[str, Any]) -> httpx.Response:
        """Score a row."""
        return self.client.post(f"/v1/{NAME}/score", json=row)

    def seen(self, row: dict[str, Any]) -> Any:
        """How many earlier payments of the day the model reads of a row; nothing is recorded."""
        told = self.client.post(f"/v1/{NAME}/explain", json=row).json()["contributions"]
        return next(each["value"] for each in told if each["feature"] == self.past.family.called("card_count_1d"))

    def metric(self, name: str) -> float:
        """A count, over all its labels."""
        lines = self.client.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    @property
    def state(self) -> OnlineState:
        """Its state, opened anew."""
        assert self.past.family.declared is not None
        return state_place(self.where, self.past.family.declared.declaration).open()


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> PastPayments:
    """A small model whose rows have a past."""
    return train(tmp_path_factory.mktemp("troubled"))


@pytest.fixture(scope="module")
def lasting(past: PastPayments, tmp_path_factory: pytest.TempPathFactory) -> PastPayments:
    """The same model, declared to score rows whose past cannot be looked up."""
    folder = tmp_path_factory.mktemp("lasting")
    shutil.copytree(past.release, folder / "release")
    file = folder / "release" / f"{NAME}-champion" / "dataset.json"
    described = json.loads(file.read_text())
    assert "without_history" not in described["declaration"], "as in a bundle that was made before there was such a word"
    described["declaration"]["without_history"] = "score"
    reseal(folder / "release", "dataset.json", described, f"{NAME}-champion")
    return replace(past, folder=folder)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RunningRedis]:
    """A Redis of the test's own."""
    with running_redis(tmp_path / "redis") as server:
        yield server


def state(past: PastPayments, where: str, command: str, *words: str) -> Result:
    """Run ``fusionguard state``."""
    given = ["state", command, "--model", str(past.trained.bundle.folder), *words]
    return CliRunner(env={"FUSIONGUARD_SERVE_STATE": where}).invoke(command_line, given)


@contextmanager
def serving(past: PastPayments, where: str, **settings: Any) -> Iterator[Asked]:
    """Serve with a state."""
    app = RiskApp(ServeSettings(release=past.release, state=where, **settings))
    with running(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        yield Asked(past, where, app, client)


def test_commands_and_service_work_with_redis(past: PastPayments, own: RunningRedis, tmp_path: Path) -> None:
    assert "There is no state of entities in" in str(state(past, own.url, "check").exception)
    with pytest.raises(BundleError, match=r"No worker could start: .*no state of that at redis://127.*Build it: fusionguard"):
        rehearse(ServeSettings(release=tmp_path, state=own.url), past.release)
    past.rows.iloc[:EARLIER].to_csv(tmp_path / "history.csv", index=False)
    built = state(past, own.url, "build", "--history", str(tmp_path / "history.csv"))
    assert built.exit_code == 0 and f"by {EARLIER:,} rows" in built.output and f"Wrote {own.url} {NAME}-" in built.output
    assert "is there already" in str(state(past, own.url, "build").exception)
    with serving(past, own.url) as asked:
        for minute in range(3):
            assert asked.score(payment(f"P{minute}", minute)).status_code == 200
        rows = [payment(f"B{place}", 10 + place) for place in (2, 0, 1)]
        assert asked.client.post(f"/v1/{NAME}/score_batch", json={"rows": rows}).status_code == 200
        assert [asked.seen(payment("X", minute)) for minute in (2, 11, 20)] == [2, 4, 6]
        checked = state(past, own.url, "check")
        assert checked.exit_code == 0 and f"by {EARLIER + 6:,} rows" in checked.output
        assert state(past, own.url, "prune").exit_code == 0
        again = state(past, own.url, "build", "--replace", "--history", str(tmp_path / "history.csv"))
        assert again.exit_code == 0, again.output
        assert asked.seen(payment("X", 20)) == 0, "the service goes on with the one that was built in its place"
        assert asked.score(payment("P0", 0)).status_code == 200
        assert asked.seen(payment("X", 20)) == 1


def test_redis_down_refuses_and_comes_back_by_itself(
    past: PastPayments, own: RunningRedis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(redis_server, "PAUSE_SECONDS", 0.05)
    assert state(past, own.url, "build").exit_code == 0
    with serving(past, own.url) as asked:
        asked.score(payment("A", 1))
        own.stop(signal.SIGKILL)
        for _ in range(2):
            refused = asked.score(payment("B", 2))
            assert (refused.status_code, refused.json()["reason"], refused.headers["retry-after"]) == (503, "state", "5")
            assert refused.json()["detail"] == REFUSED
        assert asked.client.post(f"/v1/{NAME}/score_batch", json={"rows": [payment("B", 2)]}).status_code == 503
        said = [each.getMessage() for each in caplog.records if "cannot be looked up" in each.getMessage()]
        assert said and all("does not answer" in each and "Start it, or correct its address" in each for each in said)
        assert (asked.metric("fusionguard_state_failures_total"), asked.metric("fusionguard_rows_without_history_total")) == (
            3,
            0,
        )
        own.start()
        time.sleep(0.06)
        assert asked.score(payment("B", 2)).status_code == 200
        assert asked.seen(payment("C", 3)) == 2, "nothing that was answered is lost"
        with closing(asked.state) as remembered:
            assert remembered.check().events == 2


def test_without_redis_rows_are_scored_where_that_is_declared_and_said(
    past: PastPayments, lasting: PastPayments, own: RunningRedis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(redis_server, "PAUSE_SECONDS", 0.05)
    assert state(past, own.url, "build").exit_code == 0
    own.stop()
    with pytest.raises(BundleError, match="does not answer"):
        rehearse(ServeSettings(release=tmp_path, state=own.url), past.release)
    with serving(lasting, own.url) as asked:
        answer = asked.score(payment("A", 1)).json()
        assert answer["rows_without_history"] == 1
        assert asked.seen(payment("A", 1)) is None, "as of a card that nobody knows"
        nobody = {"betrag": 10.0, "card token": None}
        rows = [payment("A", 1, **nobody), payment("B", 2)]
        batch = asked.client.post(f"/v1/{NAME}/score_batch", json={"rows": rows}).json()
        assert batch["rows_without_history"] == 2
        assert batch["answers"][0]["score"] == pytest.approx(answer["score"], abs=1e-5)
        table = pa.table({name: [row[name] for row in rows] for name in rows[0] if name != "rate"})
        headers = {"content-type": ARROW, "accept": ARROW}
        answered = asked.client.post(f"/v1/{NAME}/score_batch", content=write_table(table, ARROW), headers=headers)
        assert pa.ipc.open_stream(answered.content).schema.metadata[b"rows_without_history"] == b"2"
        counted = asked.metric("fusionguard_rows_without_history_total"), asked.metric("fusionguard_late_events_total")
        assert counted == (5, 0), "what was only explained is none that was scored"
        own.start()
        time.sleep(0.06)
        answer = asked.score(payment("A", 1)).json()
        assert "rows_without_history" not in answer
        assert asked.seen(payment("B", 2)) == 1, "what was scored without it was not recorded"


def test_a_file_that_is_damaged_or_deleted_is_said_and_one_that_is_built_anew_goes_on(
    past: PastPayments, lasting: PastPayments, tmp_path: Path
) -> None:
    where = str(tmp_path / "state")
    assert state(past, where, "build").exit_code == 0
    (file,) = Path(where).glob("*.sqlite")
    with serving(lasting, where) as asked:
        assert "rows_without_history" not in asked.score(payment("A", 1)).json()
        for harm in ("deleted", "damaged"):
            for each in Path(where).glob("*.sqlite*"):
                each.unlink()
            if harm == "damaged":
                file.write_bytes(b"harm" * 4_000)
            assert asked.score(payment("B", 2)).json()["rows_without_history"] == 1
            assert state(past, where, "check").exit_code != 0
            assert state(past, where, "build", "--replace").exit_code == 0
            assert "rows_without_history" not in asked.score(payment("C", 3)).json()
            assert asked.seen(payment("D", 4)) == 1
    file.unlink()
    with pytest.raises(BundleError, match=r"Build it: fusionguard state build"):
        rehearse(ServeSettings(release=tmp_path, state=where), lasting.release)


def reload(asked: Asked) -> bool:
    """Have a service load its release anew; tell whether it did."""
    loop = asked.app._watch.get_loop()  # type: ignore[union-attr]
    return asyncio.run_coroutine_threadsafe(asked.app.reload(), loop).result(60)


def test_a_release_that_is_loaded_says_anew_what_becomes_of_rows_without_a_past(
    past: PastPayments, lasting: PastPayments, tmp_path: Path
) -> None:
    where = str(tmp_path / "state")
    assert state(past, where, "build").exit_code == 0
    shutil.copytree(past.release, tmp_path / "release")
    with serving(replace(past, folder=tmp_path), where) as asked:
        for each in Path(where).glob("*.sqlite*"):
            each.unlink()
        assert asked.score(payment("A", 1)).status_code == 503
        shutil.rmtree(tmp_path / "release")
        shutil.copytree(lasting.release, tmp_path / "release")
        assert not reload(asked), "a start, too, needs the state"
        assert state(past, where, "build").exit_code == 0
        assert reload(asked)
        for each in Path(where).glob("*.sqlite*"):
            each.unlink()
        answer = asked.score(payment("B", 2))
        assert (answer.status_code, answer.json()["rows_without_history"]) == (200, 1)


@pytest.mark.full
def test_a_full_disk_is_said_and_what_was_refused_is_recorded_later(past: PastPayments, tmp_path: Path) -> None:
    where = str(tmp_path / "state")
    assert state(past, where, "build").exit_code == 0
    with serving(past, where) as asked:
        asked.score(payment("A", 1))
        (opened,) = asked.app._states._open.values()
        database = opened._database  # type: ignore[attr-defined]
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
        answered = [asked.score(payment(f"P{place}", 2, card=f"new-{place}")).status_code for place in range(60)]
        assert set(answered) == {200, 503}
        database.execute("PRAGMA max_page_count = 1000000")
        for place in range(60):
            assert asked.score(payment(f"P{place}", 2, card=f"new-{place}")).status_code == 200
        with closing(asked.state) as remembered:
            assert remembered.check().events == 61


@pytest.mark.full
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_ten_thousand_payments_of_one_second_and_times_of_other_years(
    past: PastPayments, tmp_path: Path, redis: RunningRedis, kind: str
) -> None:
    where = str(tmp_path / "state") if kind == "sqlite" else f"{redis.url[:-1]}1"
    assert state(past, where, "build").exit_code == 0
    with serving(past, where) as asked:
        rows = [payment(f"S{place}", 5, betrag=[10.0, 0.0, -2.5][place % 3]) for place in range(10_000)]
        answered = asked.client.post(f"/v1/{NAME}/score_batch", json={"rows": rows}, timeout=120)
        assert answered.status_code == 200, answered.text[:200]
        assert asked.seen(payment("S-again", 5)) == 0 and asked.seen(payment("later", 6)) == 10_000
        back = payment("years ago", 0, **{"booked at": "02.05.1974 12:00"})
        ahead = payment("in years", 0, **{"booked at": "02.05.2071 12:00"})
        for row in (back, ahead):
            assert asked.score(row).status_code == 200
            assert asked.seen(row) == 0
        assert asked.seen(payment("later", 7)) == 10_000, "a clock that is wrong takes nothing from others"
        assert asked.seen(payment("stranger", 7, card="nobody knows it")) == 0
        with closing(asked.state) as remembered:
            assert remembered.check().events == 10_002
