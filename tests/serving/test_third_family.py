"""A family that serving has never heard of is served like those that ship: released, asked, logged, labelled and described."""

from __future__ import annotations

import asyncio
import csv
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import exp
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from uvicorn import Config, Server

from fusionguard.errors import BundleError, DataError
from fusionguard.families import catalog, of_bundle
from fusionguard.families.catalog import model_family
from fusionguard.families.request_fields import Number, RequestFields
from fusionguard.home import Home
from fusionguard.scoring import score, score_file
from fusionguard.serving.app import RiskApp
from fusionguard.serving.bento_readme import write_readme
from fusionguard.serving.loaded import load_release
from fusionguard.serving.prediction_log import PredictionLog, read_log
from fusionguard.serving.requests import RowReader
from fusionguard.serving.resolve import make_release
from fusionguard.serving.settings import ServeSettings
from fusionguard.serving.tables import ARROW
from tests.families import third
from tests.families.third import FEATURES, NAME

LATE = {"distance_km": 1500.5, "stops": 4, "carrier": "Birch"}
SCORE = -5.0 + 0.002 * 1500.5 + 0.25 * 4 + 0.001 * 1500.5 / 5 + 2.0
EARLY = {"distance_km": 10, "stops": 0, "carrier": "Alder"}


@dataclass
class Served:
    """A service with the third family's champion and challenger, and all that it was asked to leave behind."""

    release: Path
    log: Path
    client: httpx.Client

    def post(self, name: str, content: Any, **options: Any) -> httpx.Response:
        return self.client.post(f"/v1/{NAME}/{name}", json=content, **options)

    def logged(self, *, shadow: bool = False) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = read_log(self.log, NAME, shadow=shadow).table.to_pylist()
        return rows


@contextmanager
def running(app: RiskApp) -> Iterator[int]:
    """Serve an application of this process on a free loopback port."""
    server = Server(Config(app, host="127.0.0.1", port=0, lifespan="off", log_config=None, access_log=False))  # type: ignore[arg-type]

    async def serve() -> None:
        await app.start()
        await server.serve()
        await app.stop()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        until = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive() and time.monotonic() < until, "it does not start"
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(60)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("third")
    champion, challenger = third.seal_bundle(folder / "champion"), third.seal_bundle(folder / "challenger", birch=0.5)
    with pytest.MonkeyPatch.context() as patch:
        third.install(patch)
        models = {"models": [str(champion.folder)], "challengers": [str(challenger.folder)]}
        made = make_release(Home(folder / "home"), folder / "release", **models)
        assert [about.folder for about in made] == [f"{NAME}-champion", f"{NAME}-challenger"]
        settings = ServeSettings(release=folder / "release", log=folder / "log", log_flush_seconds=0.05)
        with (
            running(RiskApp(settings)) as port,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client,
        ):
            yield Served(folder / "release", folder / "log", client)


def test_one_row_is_scored_with_reasons_and_explained(served: Served) -> None:
    content = served.post("score", LATE | {"id": "s-1"}).json()
    assert content["score"] == pytest.approx(SCORE)
    assert content["probability"] == pytest.approx(1 / (1 + exp(-SCORE)))
    assert content["relief"] == pytest.approx(4 / (1 + exp(-SCORE)) - 1)
    assert (content["model"], content["id"], content["decision"]) == (NAME, "s-1", "call")
    assert content["reasons"] == ["distance_km", "carrier", "stops"]
    assert content["decision_reason"].startswith("call: expected relief 2.14 is above")
    assert served.post("score", EARLY).json()["reasons"] == []
    explained = served.post("explain", LATE).json()
    assert explained["base"] == -5.0
    first = explained["contributions"][0]
    assert (first["feature"], first["value"]) == ("distance_km", 1500.5) and first["contribution"] == pytest.approx(3.001)
    assert explained["base"] + sum(each["contribution"] for each in explained["contributions"]) == pytest.approx(SCORE)


def test_many_rows_are_scored_as_batch_scoring_does(served: Served, tmp_path: Path) -> None:
    rows = third.shipments(300)
    sent = rows.drop_columns(["receiver", "late"])
    model = third.load(load_release(served.release).champions[NAME].online.bundle)
    expected = score(model, rows).to_pylist()
    as_rows = served.post("score_batch", {"rows": sent.to_pylist()}).json()["answers"]
    as_columns = served.post("score_batch", {"columns": sent.to_pydict()}).json()["columns"]
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, rows.schema) as stream:  # with what no model reads, which is not looked at
        stream.write_table(rows)
    headers = {"content-type": ARROW, "accept": ARROW}
    answer = served.client.post(f"/v1/{NAME}/score_batch", content=sink.getvalue(), headers=headers)
    as_table = pa.ipc.open_stream(answer.content).read_all().to_pylist()
    pa.csv.write_csv(rows, tmp_path / "rows.csv")
    score_file(model, tmp_path / "rows.csv", tmp_path / "scores.csv")
    as_file = list(csv.DictReader((tmp_path / "scores.csv").read_text().splitlines()))
    assert 60 < sum(each["decision"] == "call" for each in expected) < 240
    for place, each in enumerate(expected):
        assert as_rows[place]["relief"] == as_columns["relief"][place] == as_table[place]["relief"]
        assert as_rows[place]["relief"] == pytest.approx(each["relief"]) == pytest.approx(float(as_file[place]["relief"]))
        assert as_rows[place]["decision"] == each["decision"] == as_file[place]["decision"]


def test_of_many_flagged_rows_those_are_explained_that_are_worth_most(served: Served) -> None:
    rows = third.shipments(600).drop_columns(["receiver", "late"]).to_pylist()
    content = served.post("score_batch", {"rows": rows}).json()
    flagged = [each for each in content["answers"] if each["decision"] == "call"]
    explained = [each["relief"] for each in flagged if each["reasons"]]
    assert (len(explained), content["flagged_without_reasons"]) == (100, len(flagged) - 100)
    assert min(explained) >= max(each["relief"] for each in flagged if not each["reasons"])


def test_a_fault_is_told_with_the_familys_own_fields(served: Served) -> None:
    refused = served.post("score", {"distance_km": 5000.5, "stops": 1.5, "carrier": "Crane", "receiver": "somebody"})
    assert refused.status_code == 422
    assert {each["path"]: each["expected"] for each in refused.json()["errors"]} == {
        "distance_km": "a finite number from 0 to 5000",
        "stops": "a whole number from 0 to 20",
        "carrier": "one of 'Alder', 'Birch'",
        "receiver": "no such field",
    }
    assert (
        served.client.post("/v1/fraud/score", json=model_family("fraud").example_row).json()["detail"]
        == "This service holds no fraud model."
    )


def test_answers_are_logged_and_meet_their_outcomes(served: Served) -> None:
    request = {"X-Request-ID": "shipment-7"}
    relief = served.post("score", LATE, headers=request).json()["relief"]
    label = {"request_id": "shipment-7", "row": 0, "label": 1, "observed_at": "2026-02-01T00:00:00Z"}
    assert served.post("labels", {"labels": [label]}).json()["stored"] == 1
    until = time.monotonic() + 20
    while not all(any(row["request_id"] == "shipment-7" for row in served.logged(shadow=shadow)) for shadow in (False, True)):
        assert time.monotonic() < until, "it is not logged"
        time.sleep(0.05)
    row = next(row for row in served.logged() if row["request_id"] == "shipment-7")
    assert {name: row[name] for name in FEATURES.model_features} == LATE | {"km_a_stop": pytest.approx(300.1)}
    assert (row["relief"], row["decision"], row["label"]) == (relief, "call", 1)
    shadow = next(row for row in served.logged(shadow=True) if row["request_id"] == "shipment-7")
    assert shadow["score"] == pytest.approx(SCORE - 1.5) and shadow["model_version"] != row["model_version"]
    assert served.post("labels", {"labels": [label | {"label": 0}]}).status_code == 409


def test_it_is_described_and_counted(served: Served) -> None:
    document = served.client.get("/openapi.json").json()
    assert list(document["paths"])[8:12] == [f"/v1/{NAME}/{name}" for name in ("score", "score_batch", "explain", "labels")]
    told = document["paths"][f"/v1/{NAME}/labels"]["post"]
    assert told["summary"] == "Tell what became of scored shipments: 1 is a shipment that came late."
    assert list(told["requestBody"]["content"]["application/json"]["examples"]) == ["delay"]
    assert document["info"]["description"].startswith("Card-fraud, churn and lateness risk: ")
    schemas = document["components"]["schemas"]
    assert schemas["LatenessRow"]["properties"]["stops"] == {"type": "integer", "minimum": 0.0, "maximum": 20.0}
    assert schemas["Latenesscarrier"]["enum"] == ["Alder", "Birch"]
    assert schemas["LatenessAnswer"]["properties"]["relief"] == {"type": "number"}
    assert schemas["ModelInUse"]["properties"]["model"]["enum"] == ["fraud", "churn", NAME]
    example = document["paths"][f"/v1/{NAME}/score"]["post"]["requestBody"]["content"]["application/json"]["examples"]["shipment"]
    assert served.post("score", example["value"]).status_code == 200
    assert f"/v1/{NAME}/explain" in served.client.get("/docs").text
    assert f"score_{NAME}" in [each["name"] for each in served.client.get("/schema.json").json()["routes"]]
    assert f"| `POST /v1/{NAME}/score` | Score one shipment |" in write_readme(())
    models = served.client.get("/v1/models").json()["models"]
    assert [(each["model"], each["role"], each["feature_schema_version"]) for each in models] == [
        (NAME, "champion", 4),
        (NAME, "challenger", 4),
    ]
    assert served.client.get("/ready").status_code == 200
    metrics = served.client.get("/metrics").text
    for part in (
        f'model="{NAME}",role="champion"',
        f'fusionguard_log_rows_lost_total{{model="{NAME}"',
        f'route="/v1/{NAME}/score"',
    ):
        assert part in metrics, part


def test_columns_that_would_meet_others_are_refused(served: Served, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        unlucky = replace(
            third.THIRD_FAMILY, name="unlucky", outputs=third.THIRD_FAMILY.outputs | {"label_observed_at": "double"}
        )
        patch.setattr(third, "UNLUCKY", unlucky, raising=False)
        patch.setitem(catalog._FAMILIES, "unlucky", f"{third.__name__}:UNLUCKY")
        with pytest.raises(DataError, match="The unlucky log would have two columns 'label_observed_at'"):
            PredictionLog.open(tmp_path, model="unlucky")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match="A field is called 'id'"):
        RowReader(RequestFields((Number("id", 0, 1),), ()))


def test_a_release_of_a_family_that_is_not_known_here_is_refused(served: Served) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(catalog._FAMILIES, NAME)
        catalog.model_family.cache_clear()
        of_bundle._family_of.cache_clear()
        with pytest.raises(BundleError, match=f"The champion of {NAME} cannot be read: "):
            load_release(served.release)
