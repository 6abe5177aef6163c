"""What a client sees: answers, explanations, headers, models, metrics and pages, over real HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from fusionguard.data.table import Table
from fusionguard.expressions.errors import RowError
from fusionguard.families.catalog import model_family
from fusionguard.models.bundle import Bundle
from fusionguard.serving.app import RiskApp
from fusionguard.serving.asgi import PROBES
from fusionguard.serving.settings import ServeSettings
from tests.serving.conftest import RunningService

SECURITY = ("content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy", "cache-control")


@pytest.fixture(params=["fraud", "churn"])
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def row(family: str, transaction: dict[str, Any], customer: dict[str, Any]) -> dict[str, Any]:
    return transaction if family == "fraud" else customer


def test_a_score_says_all_that_an_auditor_asks(service: RunningService, family: str, row: dict[str, Any]) -> None:
    answer = service.post(f"/v1/{family}/score", row | {"id": "t-1"}, headers={"X-Request-ID": f"audit-{family}"})
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert content["request_id"] == answer.headers["x-request-id"] == f"audit-{family}"
    assert content["id"] == "t-1"
    assert content["model_version"] == answer.headers["x-model-version"]
    assert content["origin"] == answer.headers["x-model-origin"] == "simulated"
    assert content["probability"] == pytest.approx(1 / (1 + np.exp(-content["score"])))
    assert content["decision"] in content["decision_reason"] or content["decision"] == "none"
    assert set(model_family(family).outputs) <= set(content)
    assert isinstance(content["reasons"], list)


def test_a_flagged_transaction_has_reasons(service: RunningService, flagged: dict[str, Any]) -> None:
    content = service.post("/v1/fraud/score", flagged).json()
    assert content["decision"] == "review"
    assert 1 <= len(content["reasons"]) <= 3
    assert content["decision_reason"].startswith("alert: expected loss")


def test_an_explanation_adds_up_to_the_score(service: RunningService, family: str, row: dict[str, Any]) -> None:
    content = service.post(f"/v1/{family}/explain", row).json()
    total = content["base"] + sum(each["contribution"] for each in content["contributions"])
    assert total == pytest.approx(content["score"], abs=1e-4)
    told = [each["feature"] for each in content["contributions"]]
    assert set(model_family(family).features.model_features) <= set(told)
    sizes = [abs(each["contribution"]) for each in content["contributions"]]
    assert sizes == sorted(sizes, reverse=True)


def test_a_batch_answers_in_the_shape_it_came_in(service: RunningService, family: str, row: dict[str, Any]) -> None:
    rows = service.post(f"/v1/{family}/score_batch", {"rows": [row | {"id": f"a{n}"} for n in range(5)]}).json()
    columns = service.post(f"/v1/{family}/score_batch", {"columns": {name: [value] * 5 for name, value in row.items()}}).json()
    single = service.post(f"/v1/{family}/score", row).json()
    assert rows["rows"] == columns["rows"] == 5
    assert [answer["id"] for answer in rows["answers"]] == ["a0", "a1", "a2", "a3", "a4"]
    for place, answer in enumerate(rows["answers"]):
        assert answer["score"] == columns["columns"]["score"][place] == pytest.approx(single["score"], abs=1e-5)
        assert answer["decision"] == single["decision"]
        assert answer["decision_reason"] == columns["columns"]["decision_reason"][place]


def test_models_are_described(service: RunningService, fraud_bundle: Bundle) -> None:
    models = {each["model"]: each for each in service.client.get("/v1/models").json()["models"]}
    assert models["fraud"]["version"] == fraud_bundle.version
    assert models["fraud"]["trained_on_simulated_data"] is True
    assert models["fraud"]["trained_at"] == "2026-01-01T00:00:00+00:00"
    assert models["fraud"]["metrics"] == {"average_precision": 0.8}
    assert set(models) == {"fraud", "churn"}


@pytest.mark.parametrize("path", [*PROBES, "/v1/models", "/metrics", "/docs", "/openapi.json", "/nowhere"])
def test_every_answer_is_guarded_and_says_what_is_simulated(service: RunningService, path: str) -> None:
    answer = service.client.get(path)
    assert all(answer.headers.get(name) for name in SECURITY)
    assert answer.headers["x-trained-on-simulated-data"] == "churn, fraud"
    assert answer.headers["x-request-id"]
    assert "server" not in answer.headers


def test_the_page_needs_nothing_from_elsewhere(service: RunningService) -> None:
    page = service.client.get("/docs").text
    for path in service.client.get("/openapi.json").json()["paths"]:
        assert path in page
    assert "<code>V3</code></td><td>number from -150 to 150</td>" in page
    assert "<code>Geography</code></td><td>one of &quot;France&quot;, &quot;Germany&quot;, &quot;Spain&quot;</td>" in page
    assert "<script" not in page
    assert "http://" not in page and "https://" not in page and "//" not in page.replace("</", "")


def test_every_route_is_described_with_examples(service: RunningService, transaction: dict[str, Any]) -> None:
    document = service.client.get("/openapi.json").json()
    served = {f"/v1/{model}/{name}" for model in ("fraud", "churn") for name in ("score", "score_batch", "explain", "labels")}
    assert set(document["paths"]) == served | {"/v1/models", *PROBES, "/metrics", "/docs", "/openapi.json", "/schema.json"}
    for path in sorted(served):
        operation = document["paths"][path]["post"]
        examples = operation["requestBody"]["content"]["application/json"]["examples"]
        content = operation["responses"]["200"]["content"]["application/json"]
        for name, example in examples.items():
            answer = service.post(path, example["value"])
            assert answer.status_code == 200, answer.text
            told = content["examples"][name]["value"] if "examples" in content else content["example"]
            assert set(answer.json()) | {"id"} == set(told) | {"id"}, path
    for path in ("/v1/models", *PROBES):
        content = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        assert set(content["example"]) == set(service.client.get(path).json()), path
    (told,) = document["components"]["schemas"]["Problem"]["examples"]
    refused = service.post("/v1/fraud/score", transaction | {"V3": "1.5"}).json()
    assert told | {"request_id": "", "title": ""} == refused | {"request_id": "", "title": ""}  # Python 3.13 renamed the title


def answer_of(release_folder: Path, customer: dict[str, Any], decide: Callable[[list[Any]], Any]) -> dict[str, Any]:
    """What a service whose churn model decides so answers to a customer, and its metrics."""

    async def ask() -> dict[str, Any]:
        app = RiskApp(ServeSettings(release=release_folder))
        await app.start()
        app._scoring["churn"].model.online.decide = decide  # type: ignore[union-attr, method-assign]
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.post("/v1/churn/score", json=customer | {"Geography": "Germany"})
        await app.stop()
        return {"answer": answer, "metrics": app.metrics.text().decode()}

    return asyncio.run(ask())


def test_a_bug_is_answered_and_counted_and_told_without_what_was_sent(
    release_folder: Path, customer: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(values: list[Any]) -> Any:
        raise ValueError(f"cannot do {values}")

    seen = answer_of(release_folder, customer, broken)
    assert (seen["answer"].status_code, seen["answer"].json()["reason"]) == (500, "bug")
    assert seen["answer"].headers["x-trained-on-simulated-data"]
    assert 'fusionguard_rejects_total{reason="bug",route="/v1/churn/score"} 1.0' in seen["metrics"]
    assert "ValueError" in caplog.text and "in broken" in caplog.text
    assert "Germany" not in caplog.text + seen["answer"].text


def test_a_row_that_no_feature_can_be_made_of_is_refused(release_folder: Path, customer: dict[str, Any]) -> None:
    def refused(values: list[Any]) -> Any:
        raise RowError("The feature 'amount_cents' cannot be made of this row: it is no BIGINT.", "Correct the row.")

    seen = answer_of(release_folder, customer, refused)
    problem = seen["answer"].json()
    assert (seen["answer"].status_code, problem["reason"]) == (422, "invalid")
    assert problem["detail"] == "The feature 'amount_cents' cannot be made of this row: it is no BIGINT."
    assert 'fusionguard_rejects_total{reason="invalid",route="/v1/churn/score"} 1.0' in seen["metrics"]


def test_nobody_waits_behind_the_reasons_of_a_flagged_row(
    release_folder: Path, flagged: dict[str, Any], transaction: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> tuple[Any, Any]:
        app = RiskApp(ServeSettings(release=release_folder))
        await app.start()
        online = app._scoring["fraud"].model.online  # type: ignore[union-attr]
        begun, released, add_reasons = threading.Event(), threading.Event(), online.add_reasons

        def wait(answer: Any) -> Any:
            begun.set()
            assert released.wait(60)
            return add_reasons(answer)

        monkeypatch.setattr(online, "add_reasons", wait)
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            slow = asyncio.create_task(client.post("/v1/fraud/score", json=flagged))
            assert await asyncio.to_thread(begun.wait, 60)
            quick = await client.post("/v1/fraud/score", json=transaction)
            assert not slow.done()
            released.set()
            answers = quick, await slow
        await app.stop()
        return answers

    quick, slow = asyncio.run(ask())
    assert (quick.status_code, quick.json()["decision"]) == (200, "accept")
    assert (slow.status_code, slow.json()["decision"]) == (200, "review") and slow.json()["reasons"]


def test_metrics_count_what_happened(service: RunningService, transaction: dict[str, Any]) -> None:
    scored = 'fusionguard_requests_total{route="/v1/fraud/score",status="200"}'
    rejected = 'fusionguard_rejects_total{reason="invalid",route="/v1/fraud/score"}'
    before = service.metric(scored), service.metric(rejected), service.metric("fusionguard_decisions_total")
    service.post("/v1/fraud/score", transaction)
    service.post("/v1/fraud/score", {})
    assert service.metric(scored) == before[0] + 1
    assert service.metric(rejected) == before[1] + 1
    assert service.metric("fusionguard_decisions_total") == before[2] + 1
    assert service.metric("fusionguard_model_info") == 2


@pytest.mark.parametrize(("method", "path", "allow"), [("GET", "/v1/fraud/score", "POST"), ("POST", "/health", "GET, HEAD")])
def test_another_method_is_named_with_those_allowed(service: RunningService, method: str, path: str, allow: str) -> None:
    answer = service.client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allow


def test_an_unknown_route_is_a_problem_like_any_other(service: RunningService) -> None:
    answer = service.client.get("/v2/fraud/score?x=1")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["reason"] == "no_route"


def test_head_has_the_headers_alone(service: RunningService) -> None:
    answer = service.client.head("/health")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_request_id_that_could_harm_a_log_is_refused(service: RunningService, transaction: dict[str, Any]) -> None:
    for bad in ("a b", "x" * 65, 'a"b', "a;b"):
        answer = service.post("/v1/fraud/score", transaction, headers={"X-Request-ID": bad})
        assert (answer.status_code, answer.json()["reason"]) == (400, "request_id")
        assert answer.headers["x-request-id"] != bad


@pytest.fixture(scope="session")
def flagged(fraud_bundle: Bundle, simulated_raw: Any) -> dict[str, Any]:
    """A simulated transaction that the small model flags."""
    return flagged_rows(fraud_bundle, Table(simulated_raw))[0]


def flagged_rows(bundle: Bundle, raw: Table) -> list[dict[str, Any]]:
    from fusionguard.families.fraud.model import load

    rows = raw.read([field.name for field in model_family("fraud").request_fields.all])
    review = np.flatnonzero(load(bundle).answer(rows)["decision"].to_numpy(zero_copy_only=False) == "review")
    assert review.size, "the small model flags nothing"
    return [dict(row) for row in rows.take(review[:50]).to_pylist()]
