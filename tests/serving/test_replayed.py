"""A table's rows through the real service: what it logs of each is the SQL's backfill to the last bit, whoever is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from fusionguard.cli import app
from fusionguard.features.online.place import state_place
from fusionguard.serving.prediction_log import read_log
from tests.redis_server import RunningRedis
from tests.serving.conftest import RunningService, Starter
from tests.serving.past_payments import EARLIER, NAME, PastPayments, train
from tests.serving.test_past_service import same_bits

ROWS = 3_200
MOST_AT_ONCE = 35
LONDON = ZoneInfo("Europe/London")


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> PastPayments:
    """A small model whose rows have a past."""
    return train(tmp_path_factory.mktemp("replayed"), rows=ROWS)


@dataclass
class Client:
    """Sends rows in the order of time, and whatever breaks off once more under the same ids."""

    service: RunningService
    past: PastPayments
    asked: dict[int, tuple[str, int]] = field(default_factory=dict)
    """By row, the request that it was in, and its place there."""
    repeated: int = 0

    def send(self, places: range) -> None:
        """Score rows: a few one by one, and more as a batch."""
        if len(places) > 5:
            name = f"batch-{places[0]}"
            self._post("score_batch", {"rows": [self.past.sent(place) for place in places]}, name)
            self.asked |= {place: (name, row) for row, place in enumerate(places)}
            return
        for place in places:
            row = self.past.sent(place)
            self._post("score", row, row["payment id"])
            self.asked[place] = row["payment id"], 0

    def tell(self, places: range) -> None:
        """Tell what became of rows, at the moments when their owner knew it."""
        told = []
        for place in places:
            row = self.past.rows.iloc[place]
            known = datetime.strptime(row["chargeback known"], "%d.%m.%Y %H:%M").replace(tzinfo=LONDON).astimezone(UTC)
            request, number = self.asked[place]
            told.append({"request_id": request, "row": number, "label": row["chargeback"], "observed_at": known.isoformat()})
        self._post("labels", {"labels": told}, f"labels-{places[0]}")

    def _post(self, route: str, content: dict[str, Any], request: str) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                answered = self.service.post(f"/v1/{NAME}/{route}", content, headers={"x-request-id": request})
                if answered.status_code == 200:
                    return
                assert answered.status_code == 503, answered.text
            except httpx.TransportError:
                pass
            self.repeated += 1
            assert time.monotonic() < until
            time.sleep(0.05)


def logged(client: Client) -> dict[int, int]:
    """The places in the log of the rows that were sent, as far as they are there."""
    table = read_log(client.service.log, client.past.family).table
    found = {pair: at for at, pair in enumerate(zip(table["request_id"].to_pylist(), table["row"].to_pylist(), strict=True))}
    return {place: found[pair] for place, pair in client.asked.items() if pair in found}


def pieces(generator: np.random.Generator) -> Iterator[range]:
    """The rows after the history, in pieces of random sizes."""
    first = EARLIER
    while first < ROWS:
        end = min(first + int(generator.choice([1, 2, 4, generator.integers(6, MOST_AT_ONCE)])), ROWS)
        yield range(first, end)
        first = end


@pytest.mark.full
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_every_row_is_logged_with_its_backfill(
    past: PastPayments, starter: Starter, redis: RunningRedis, tmp_path: Path, kind: str, workers: int
) -> None:
    where = str(tmp_path / "state") if kind == "sqlite" else f"{redis.url[:-1]}{workers + 1}"
    past.rows.iloc[:EARLIER].to_csv(tmp_path / "history.csv", index=False)
    given = ["state", "build", "--model", str(past.trained.bundle.folder), "--history", str(tmp_path / "history.csv")]
    assert CliRunner(env={"FUSIONGUARD_SERVE_STATE": where}).invoke(app, given).exit_code == 0
    service = starter(past.release, state=where, workers=workers)
    client, generator = Client(service, past), np.random.default_rng(17 + workers)
    victim = service.ready_workers()[0]
    killed = threading.Timer(float(generator.uniform(0.3, 2.0)), lambda: os.kill(victim, signal.SIGKILL))
    killed.start()
    told = EARLIER
    for places in pieces(generator):
        client.send(places)
        if generator.random() < 0.05:
            client.send(places)  # as a client that has lost the answer
        if places[-1] - told >= MOST_AT_ONCE:  # in less than the two days that it takes until the first is known
            client.tell(range(told, places[-1] + 1))
            told = places[-1] + 1
    killed.join()
    deadline = time.monotonic() + 60
    while missing := client.asked.keys() - logged(client).keys():  # answered, and not on the disk when its worker was killed
        assert time.monotonic() < deadline, missing
        time.sleep(0.5)
        for request in {client.asked[place][0] for place in missing}:
            again = [place for place, (asked, _) in client.asked.items() if asked == request]
            client.send(range(again[0], again[-1] + 1))
        time.sleep(0.5)
    expected = past.trained.rows.features.read()
    expected = expected.take(np.argsort(expected["row_number"].to_numpy())).slice(EARLIER, ROWS - EARLIER)
    assert expected["row_number"].to_pylist() == list(range(EARLIER, ROWS))
    at = logged(client)
    found = read_log(service.log, past.family).table.take(pa.array([at[place] for place in range(EARLIER, ROWS)]))
    same_bits(found, expected, past.family.features.model_features)
    assert victim not in service.ready_workers()
    assert client.repeated > 0 or workers > 1, "where it was the only one, somebody noticed"
    assert past.family.declared is not None
    with closing(state_place(where, past.family.declared.declaration).open()) as remembered:
        counted = remembered.check()
    assert (counted.events, counted.late, counted.unknown_outcomes) == (ROWS, 0, 0)
