"""Under load, with workers killed at random and models reloaded, no answer is wrong and no more than a flush is lost."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from fusionguard.data.table import Table
from fusionguard.families.catalog import model_family
from fusionguard.models.bundle import Bundle
from fusionguard.serving.prediction_log import read_log
from fusionguard.serving.release import write_release
from fusionguard.serving.requests import RowReader
from tests.serving.conftest import RunningService, Starter, released
from tests.serving.test_routes import flagged_rows

FLUSH_SECONDS = 0.3
WRITE_SECONDS = 3.0
"""What a write may take; on a busy machine up to ``STALL_SECONDS``, where the parts that a worker wrote show that it did."""

STALL_SECONDS = 20.0

CLIENTS = 3
BATCH_ROWS = 20
SOAK_SECONDS = 20


@dataclass(frozen=True)
class Answered:
    """A request that was answered: it was scored, and its row handed to the log, between ``sent`` and ``got``."""

    sent: float
    got: float
    places: tuple[int, ...]
    """Which of the load's transactions it held."""
    content: dict[str, Any]


@dataclass(frozen=True)
class Killed:
    """A worker that was killed: the last moment at which it can have answered."""

    worker: int
    at: float


class Load:
    """Clients that ask without a pause, each time over a new connection, so that every worker gets its share.

    Use it in a ``with`` statement. A request whose worker was killed is sent again under the same id: it was not accepted.
    """

    def __init__(self, service: RunningService, rows: list[dict[str, Any]]) -> None:
        self.answered: dict[str, Answered] = {}
        self.wrong: list[str] = []
        self._service, self._rows = service, rows
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, client: int) -> None:
        chance = random.Random(client)
        number = 0
        while not self._stop.is_set():
            name = f"soak-{client}-{number}"
            many = chance.random() < 0.1
            places = tuple(chance.randrange(len(self._rows)) for _ in range(BATCH_ROWS if many else 1))
            rows = [self._rows[place] for place in places]
            path, body = ("/v1/fraud/score_batch", {"rows": rows}) if many else ("/v1/fraud/score", rows[0])
            while not self._stop.is_set():
                sent = time.time()
                connection = http.client.HTTPConnection("127.0.0.1", self._service.port, timeout=20)
                try:
                    headers = {"X-Request-ID": name, "Content-Type": "application/json"}
                    connection.request("POST", path, json.dumps(body), headers)
                    answer = connection.getresponse()
                    status, content = answer.status, json.loads(answer.read())
                except (OSError, http.client.HTTPException):
                    time.sleep(0.01)
                    continue
                finally:
                    connection.close()
                if status == 200:
                    self.answered[name] = Answered(sent, time.time(), places, content)
                else:
                    self.wrong.append(f"{name}: {status} {content}")
                break
            number += 1


@pytest.fixture(scope="module")
def rows(fraud_bundle: Bundle, simulated_raw: Path) -> list[dict[str, Any]]:
    """Transactions, a few of them flagged."""
    names = [field.name for field in model_family("fraud").request_fields.all]
    common = [dict(row) for row in Table(simulated_raw).read(names).slice(0, 40).to_pylist()]
    return common + flagged_rows(fraud_bundle, Table(simulated_raw))[:5]


@pytest.mark.full
def test_a_killed_worker_loses_no_more_than_a_flush(starter: Starter, release_folder: Path, rows: list[dict[str, Any]]) -> None:
    service = starter(release_folder, workers=2, log_flush_seconds=FLUSH_SECONDS)
    killed = []
    with Load(service, rows) as load:
        time.sleep(FLUSH_SECONDS + WRITE_SECONDS + 1.0)  # what is answered in the last second of it must be there
        early = len(load.answered)
        killed.append(kill(service.workers()[0]))
        wait_answered(service, load, max(early + 50, 101))
    service.stop()
    assert load.wrong == []
    check_log(service, load, killed)


@pytest.mark.long
@pytest.mark.full
def test_a_soak(
    starter: Starter,
    fraud_bundle: Bundle,
    other_bundle: Bundle,
    churn_bundle: Bundle,
    rows: list[dict[str, Any]],
    tmp_path: Path,
) -> None:
    release = tmp_path / "release"
    champions = [fraud_bundle, other_bundle]
    write_release(release, released({"fraud-champion": fraud_bundle, "churn-champion": churn_bundle}))
    service = starter(release, workers=2, log_flush_seconds=FLUSH_SECONDS)
    chance = random.Random()  # any moment will do: what is asked holds at every one
    killed, until = [], time.monotonic() + SOAK_SECONDS
    with Load(service, rows) as load:
        while time.monotonic() < until:
            time.sleep(chance.uniform(0.1, 2.0))
            champions.reverse()
            write_release(release, released({"fraud-champion": champions[0], "churn-champion": churn_bundle}))
            os.kill(service.process.pid, signal.SIGHUP)
            time.sleep(chance.uniform(0.1, 2.0))
            while not (ready := service.ready_workers()):  # else nobody ever answers, and nothing is soaked
                assert service.process.poll() is None, service.output.read_text()
                time.sleep(0.05)
            killed.append(kill(chance.choice(ready if len(killed) % 2 else service.workers())))
        service.wait_ready()
        time.sleep(0.5)
    assert service.process.poll() is None, service.output.read_text()
    service.stop()
    assert load.wrong == [] and len(killed) >= 2
    assert {each.content["model_version"] for each in load.answered.values()} == {bundle.version for bundle in champions}
    check_answers(load, {bundle.version: bundle for bundle in champions}, rows)
    check_log(service, load, killed)


def wait_answered(service: RunningService, load: Load, count: int) -> None:
    """Wait until so many requests are answered."""
    until = time.monotonic() + 60
    while len(load.answered) < count:
        assert time.monotonic() < until, service.output.read_text()
        time.sleep(0.05)


def kill(worker: int) -> Killed:
    """Kill a worker, and wait for its end."""
    os.kill(worker, signal.SIGKILL)
    while (status := status_of(worker)) not in ("Z", None):
        assert status
    return Killed(worker, time.time())


def status_of(process: int) -> str | None:
    """The letter of a process's state; None where it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def check_answers(load: Load, bundles: dict[str, Bundle], rows: list[dict[str, Any]]) -> None:
    """Compare every answer with what the model it names says of the row by itself."""
    reader, outputs = RowReader(model_family("fraud").request_fields), tuple(model_family("fraud").outputs)
    score, decision = outputs.index("score"), outputs.index("decision")
    expected: dict[str, list[tuple[float, str]]] = {}
    for version, bundle in bundles.items():
        online = model_family("fraud").open_online(bundle)
        answers = [online.one(reader.one(row).values).values for row in rows]
        expected[version] = [(values[score], values[decision]) for values in answers]
    for name, each in load.answered.items():
        for place, answer in zip(each.places, answers_of(each.content), strict=True):
            wanted = expected[each.content["model_version"]][place]
            assert answer["score"] == pytest.approx(wanted[0], abs=1e-5), name
            assert answer["decision"] == wanted[1], name


def check_log(service: RunningService, load: Load, killed: list[Killed]) -> None:
    """Find every row that was answered in the log, once and as it was answered, but for those of a flush before a kill."""
    window = read_log(service.log, "fraud")
    assert window.unreadable == ()
    logged = {(row["request_id"], row["row"]): row for row in window.table.to_pylist()}
    lost = []
    for name, each in load.answered.items():
        for number, answer in enumerate(answers_of(each.content)):
            row = logged.get((name, number))
            if row is None:
                lost.append(each)
            elif row["model_version"] == each.content["model_version"]:  # else a worker was killed after it logged the first try
                assert row["score"] == pytest.approx(answer["score"], abs=1e-9), name
    spans = [(safe_until(service, each), each.at) for each in killed]
    unexplained = [each for each in lost if not any(each.sent <= end and each.got >= begin for begin, end in spans)]
    assert unexplained == [], [(each.sent - spans[0][1], each.got - spans[0][1]) for each in unexplained]
    assert len(load.answered) > 100 and len(lost) < len(logged)


def safe_until(service: RunningService, killed: Killed) -> float:
    """Return the moment until which all that a killed worker answered must be logged.

    What it answered before it began its last part but one is in its last one, however long the disk took.
    """
    names = [path.name.split("-") for path in (service.log / "fraud").glob(f"part-*-{killed.worker}-*.parquet")]
    begun = sorted(datetime.fromisoformat(name[1]).timestamp() for name in names if int(name[3]))  # 0 may be a merged one
    bound = killed.at - FLUSH_SECONDS - WRITE_SECONDS
    return min(bound, max(begun[-2], killed.at - STALL_SECONDS)) if len(begun) > 1 else bound


def answers_of(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The answers of a request of one row or of many."""
    yield from content.get("answers", [content])
