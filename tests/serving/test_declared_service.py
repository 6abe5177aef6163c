"""Models of declared data sets are served side by side, each by its own name and in the raw columns of its own table."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.errors import BundleError, UnknownChoiceError
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.serving.app import RiskApp
from fusionguard.serving.bento_readme import write_readme
from fusionguard.serving.loaded import load_release
from fusionguard.serving.prediction_log import append_labels, compact, read_log
from fusionguard.serving.release import released_families, write_release
from fusionguard.serving.resolve import make_release
from fusionguard.serving.settings import ServeSettings
from fusionguard.serving.tables import ARROW, PARQUET, write_table
from tests.foreign import write_payments, write_telco
from tests.serving import declared_model
from tests.serving.conftest import released
from tests.serving.test_third_family import running

PAYMENTS, TELCO = "card-payments", "telco"
PAYMENT = {
    "booked at": "31.03.2024 02:30",
    "betrag": 600.0,
    "currency": "EUR",
    "rate": 0.85,
    "attempts": 2,
    "mcc": "5411",
    "country": None,
    "card token": "tok-secret",
}
SUM = 600 * 0.85 + 2 + 2 + 1 + 600 * 0.85 / 3  # amount, attempts, the hour, a Sunday, the amount an attempt
CONTRACT = {
    "Customer ID": "0000-1",
    "Gender": "Female",
    "Months as customer": 7,
    "Contract": "one year",
    "Payment.Method": "n/a",
    "Region": "West",
    "Monthly Charges": 31.5,
    "Calls to support": -1,
}


@dataclass
class Served:
    folder: Path
    app: RiskApp
    client: httpx.Client

    def post(self, path: str, content: Any, **options: Any) -> httpx.Response:
        return self.client.post(path, json=content, **options)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("declared")
    with pytest.MonkeyPatch.context() as patch:
        declared_model.install(patch)
        payments = declared_model.seal(folder / "a", declared_model.described_as(write_payments(folder / "payments", 300)))
        telco = declared_model.seal(folder / "b", declared_model.described_as(write_telco(folder / "telco", 300)))
        made = make_release(Home(folder / "home"), folder / "release", models=[str(payments.folder), str(telco.folder)])
        assert [(about.model, about.folder) for about in made] == [
            (PAYMENTS, "card-payments-champion"),
            (TELCO, "telco-champion"),
        ]
        app = RiskApp(ServeSettings(release=folder / "release", log=folder / "log", log_flush_seconds=0.05))
        with running(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
            yield Served(folder, app, client)
    declared_model.catalog.model_family.cache_clear()


def test_each_answers_by_its_own_name_and_in_its_own_columns(served: Served) -> None:
    content = served.post(f"/v1/{PAYMENTS}/score", PAYMENT | {"id": "p-1"}).json()
    assert (content["model"], content["id"], content["decision"]) == (PAYMENTS, "p-1", "call")
    assert content["score"] == pytest.approx(SUM / 100) and content["reasons"] == ["distance_km"]
    assert served.post(f"/v1/{TELCO}/score", CONTRACT).json()["score"] == pytest.approx((7 + 31.5) / 100)
    told = served.post(f"/v1/{PAYMENTS}/explain", PAYMENT).json()
    values = {each["feature"]: each["value"] for each in told["contributions"]}
    assert values["distance from home"] is None and values["attempts in the last hour"] == PAYMENT["attempts"]
    assert set(values) & {"distance km", "distance_km", "attempts"} == set(), "in the owner's words"
    assert served.post(f"/v1/{TELCO}/score", PAYMENT).status_code == 422
    refused = served.post(f"/v1/{TELCO}/score", CONTRACT | {"Month as customer": 1}).json()
    assert "did you mean 'Months as customer'?" in refused["detail"]
    for name in ("fraud", "creditcard"):
        assert "holds no fraud model" in served.post(f"/v1/{name}/score", PAYMENT).json()["detail"]
    assert served.post("/v1/cards/score", PAYMENT).status_code == 404


def test_batches_are_in_the_raw_columns(served: Served) -> None:
    rows = [PAYMENT | {"id": "a"}, PAYMENT | {"id": "b", "currency": "GBP", "rate": 1, "betrag": "1e2", "mcc": "none"}]
    expected = [pytest.approx(SUM / 100), pytest.approx((100 + 2 + 2 + 1 + 100 / 3) / 100)]
    answers = served.post(f"/v1/{PAYMENTS}/score_batch", {"rows": rows}).json()["answers"]
    assert [each["score"] for each in answers] == expected and [each["id"] for each in answers] == ["a", "b"]
    table = pa.table({name: [str(row[name]) if row[name] is not None else None for row in rows] for name in rows[0]})
    for kind in (ARROW, PARQUET):
        headers = {"content-type": kind, "accept": kind}
        path = f"/v1/{PAYMENTS}/score_batch"
        sent = served.client.post(path, content=write_table(table, kind), headers=headers)
        assert sent.status_code == 200, sent.text
        found = pa.ipc.open_stream(sent.content).read_all() if kind == ARROW else pq.read_table(pa.BufferReader(sent.content))
        assert found["score"].to_pylist() == expected and found["id"].to_pylist() == ["a", "b"]
    wrong = table.set_column(table.column_names.index("betrag"), "betrag", pa.array(["1", "much"]))
    sent = served.client.post(f"/v1/{PAYMENTS}/score_batch", content=write_table(wrong, ARROW), headers={"content-type": ARROW})
    assert sent.json()["detail"] == "table.betrag[1]: expected a finite number, found another value."


def test_its_description_is_true(served: Served) -> None:
    document = served.client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", name) for name in schemas)
    assert schemas["Card-paymentsRow"]["required"] == ["booked at", "attempts", "betrag", "mcc", "currency"]
    assert schemas["Card-paymentsRow"]["properties"]["distance km"] == {
        "description": "A finite number from 0 to 20000, or null.",
        "type": ["number", "null"],
        "minimum": 0.0,
        "maximum": 20000.0,
    }
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names) and {"score_card_payments", "score_telco_batch"} <= set(names)
    for name in (PAYMENTS, TELCO):
        for route in ("score", "explain", "score_batch"):
            body = document["paths"][f"/v1/{name}/{route}"]["post"]["requestBody"]["content"]["application/json"]
            for example in body["examples"].values():
                answer = served.post(f"/v1/{name}/{route}", example["value"])
                assert answer.status_code == 200, (route, answer.text)
    assert schemas["ModelInUse"]["properties"]["model"]["enum"][-2:] == [PAYMENTS, TELCO]
    assert [each["model"] for each in served.client.get("/v1/models").json()["models"]] == [PAYMENTS, TELCO]
    assert "score_card_payments" in [each["name"] for each in served.client.get("/schema.json").json()["routes"]]
    assert f'fusionguard_log_rows_written_total{{model="{TELCO}"' in served.client.get("/metrics").text
    assert f"| `POST /v1/{TELCO}/score` |" in write_readme((), released_families(served.folder / "release"))


def test_outcomes_are_told_in_the_words_of_the_table(served: Served) -> None:
    path = f"/v1/{PAYMENTS}/labels"
    about = {"request_id": "told", "observed_at": "2026-01-31T12:00:00Z"}
    told = [about | {"row": row, "label": label} for row, label in enumerate(["N", "Y", 0, 1])]
    assert served.post(path, {"labels": told}).json()["stored"] == 4
    assert append_labels(served.folder / "log", PAYMENTS, [("told", row, row % 2, 10**15) for row in range(4)]).repeated == 4
    twice = json.dumps({"labels": told[:2]}).replace('"label": "Y"', '"label": "N", "label": "Y"')
    answer = served.client.post(path, content=twice, headers={"content-type": "application/json"}).json()
    assert [fault["path"] for fault in answer["errors"]] == ["labels[1].label"]
    content = served.post(path, {"labels": [told[0] | {"row": 9}, told[1] | {"label": "yes"}]}).json()
    fault = {"path": "labels[1].label", "expected": '0, 1, "Y" or "N"', "found": "a string that is not that"}
    assert content["errors"] == [fault]
    assert append_labels(served.folder / "log", PAYMENTS, [("told", 9, 0, 10**15)]).stored == 1
    assert served.post(f"/v1/{TELCO}/labels", {"labels": [told[1]]}).json()["errors"][0]["expected"] == '0, 1, "yes" or "no"'
    document = served.client.get("/openapi.json").json()
    assert document["components"]["schemas"]["Card-paymentsOutcome"]["properties"]["label"] == {"enum": [0, 1, "Y", "N"]}
    for name, yes in ((PAYMENTS, "Y"), (TELCO, "yes")):
        described = document["paths"][f"/v1/{name}/labels"]["post"]
        body = described["requestBody"]["content"]["application/json"]
        assert body["schema"] == {"$ref": f"#/components/schemas/{name.capitalize()}Outcomes"}
        assert f': "{yes}" is ' in described["summary"]
        (example,) = [each["value"] for each in body["examples"].values()]
        assert example["labels"][0]["label"] == yes and served.post(f"/v1/{name}/labels", example).json()["stored"] == 1


def test_its_log_is_read_without_its_bundle_and_lives_through_another_declaration(served: Served) -> None:
    request = {"x-request-id": "payment-7"}
    served.post(f"/v1/{PAYMENTS}/score", PAYMENT, headers=request)
    label = {"request_id": "payment-7", "row": 0, "label": 1, "observed_at": "2026-01-31T12:00:00Z"}
    assert served.post(f"/v1/{PAYMENTS}/labels", {"labels": [label]}).json()["stored"] == 1
    log = served.folder / "log"
    for logs in served.app._logs.values():
        assert all(each.flush() for _, each in logs)
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(declared_model.catalog._FAMILIES, declared_model.KIND)
        (row,) = [each for each in read_log(log, PAYMENTS).table.to_pylist() if each["request_id"] == "payment-7"]
        assert (row["betrag"], row["distance_km"], row["country"], row["label"]) == (510.0, None, None, 1)
        assert "tok-secret" not in str(row)
        with pytest.raises(UnknownChoiceError):
            read_log(log, "cards")
    before = read_log(log, PAYMENTS).table.num_rows
    changed = declared_model.described_as(
        served.folder / "payments" / "declaration.yaml",
        "  country: {label: country of the merchant, missing: allow}\n",
        "  new trade: {missing: allow}\noptional: [new trade]\nignored: [country]\n",
    )
    bundle = declared_model.seal(served.folder / "c", changed)
    write_release(served.folder / "release", released({f"{PAYMENTS}-champion": bundle}))
    assert asyncio.run_coroutine_threadsafe(served.app.reload(), served.app._watch.get_loop()).result(60)  # type: ignore[union-attr]
    content = served.post(f"/v1/{PAYMENTS}/score", PAYMENT | {"new trade": 9, "country": ["ignored"]}).json()
    assert content["model_version"] == bundle.version
    assert served.post(f"/v1/{TELCO}/score", CONTRACT).status_code == 404
    for _, each in served.app._logs[PAYMENTS]:
        assert each.flush()
    assert compact(log, PAYMENTS).skipped == ()
    table = read_log(log, PAYMENTS).table
    assert table.num_rows == before + 1 and "country" not in table.column_names
    assert table["new_trade"].to_pylist()[-1] == "(other)" and table["new_trade"].null_count == before
    assert append_labels(log, PAYMENTS, [("payment-7", 0, 1, 10**15)]).repeated == 1


def test_a_release_says_what_its_models_are(served: Served, tmp_path: Path) -> None:
    bundle = declared_model.seal(tmp_path / "bundle", released_families(served.folder / "release")[0].described)  # type: ignore[arg-type]
    write_release(tmp_path / "release", released({f"{TELCO}-champion": bundle}))
    with pytest.raises(BundleError, match=f"The champion of {TELCO} is a model of {PAYMENTS}"):
        load_release(tmp_path / "release")


def test_a_service_takes_over_a_data_set_that_it_began_without(served: Served, tmp_path: Path) -> None:
    payments, telco = Bundle.open(served.folder / "a"), Bundle.open(served.folder / "b")
    write_release(tmp_path / "release", released({f"{PAYMENTS}-champion": payments}))
    app = RiskApp(ServeSettings(release=tmp_path / "release", log=tmp_path / "log", log_flush_seconds=0.05))
    with running(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        assert client.post(f"/v1/{TELCO}/score", json=CONTRACT).status_code == 404
        write_release(tmp_path / "release", released({f"{TELCO}-champion": telco}))
        assert asyncio.run_coroutine_threadsafe(app.reload(), app._watch.get_loop()).result(60)  # type: ignore[union-attr]
        assert client.post(f"/v1/{TELCO}/score", json=CONTRACT).json()["score"] == pytest.approx((7 + 31.5) / 100)
        assert client.post(f"/v1/{PAYMENTS}/score", json=PAYMENT).status_code == 404
        assert [each["model"] for each in client.get("/v1/models").json()["models"]] == [TELCO]
    assert read_log(tmp_path / "log", TELCO).table.num_rows == 1
