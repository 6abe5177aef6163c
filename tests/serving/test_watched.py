"""What the dashboard and the alert rules ask for is what the services tell: names, labels, and what is shown of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from fusionguard.assistant.answers import Answer
from fusionguard.assistant.http.metrics import AssistantMetrics
from fusionguard.home import Home
from fusionguard.monitoring.history import VerdictRecord, append_verdict, history_file
from fusionguard.serving.metrics import Metrics
from tests.operations.queries import ADDED, exposed, grouped, queries, selected
from tests.serving.conftest import RunningService


def verdict(home: Home, model: str, **changed: Any) -> None:
    """Leave a verdict as a monitoring run does."""
    values: dict[str, Any] = {"model_version": "9", "first": None, "last": None, "rows": 9, "labelled": 0, "simulated": True}
    values |= {"state": "watch", "cause": "population", "action": "keep watching", "since": None, "features": ()}
    values |= {"largest_psi": 0.2, "score_psi": 0.1, "alert_rate_change": None, "metrics": {}}
    record = VerdictRecord(**values | {"at": datetime(2026, 2, 3, tzinfo=UTC), "run": "r", "model": model} | changed)
    append_verdict(history_file(home, model), record)


def in_this_process(folder: Path) -> str:
    """What a test cannot make happen in a service within a second: failures of a challenger; and what the assistant tells."""
    scoring, assistant = Metrics(folder / "release"), AssistantMetrics(Home(folder))
    scoring.shadow_failed("fraud")
    assistant.answered(Answer(kind="refused", text="No.", written_by="extract", reason="off topic"), 0.2)
    assistant.thumb("up")
    assistant.failed("busy")
    assistant.writer("extract")
    assistant.audit_lost(0)
    assistant.open_questions(0)
    verdict(Home(folder), "fraud")
    return scoring.text().decode() + assistant.text().decode()


def test_every_query_asks_for_metrics_and_labels_there_are(
    service: RunningService, transaction: dict[str, Any], tmp_path: Path
) -> None:
    service.post("/v1/fraud/score", transaction)
    service.post("/v1/fraud/score", {})
    service.wait_metric("fusionguard_log_rows_written_total", 1)
    there = exposed(service.client.get("/metrics").text)
    for name, labels in exposed(in_this_process(tmp_path)).items():
        there.setdefault(name, set()).update(
            labels if name.startswith(("fusionguard_assistant", "fusionguard_mon", "fusionguard_shadow")) else ()
        )
    there["up"] = set()
    asked: dict[str, set[str]] = {}
    for of, query, shown in queries():
        metrics = selected(query)
        assert metrics, f"{of}: {query}"
        for name, labels in metrics.items():
            assert name in there, f"{of} asks for {name}"
            assert labels - ADDED <= there[name], f"{of} selects {name} by {labels}"
            asked.setdefault(name, set()).update(labels)
        known = ADDED | set().union(*(there[name] for name in metrics))
        assert grouped(query) | shown <= known, f"{of}: {grouped(query) | shown} of {known}"
    assert len(asked) > 25


def test_the_last_verdict_of_each_model_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path)
    metrics = AssistantMetrics(home)
    assert b"fusionguard_monitoring_verdict{" not in metrics.text()
    verdict(home, "fraud", state="act", action="retrain", at=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC))
    verdict(home, "churn")
    text = metrics.text().decode()
    assert 'fusionguard_monitoring_verdict{action="retrain",model="fraud",state="act"} 1.0' in text
    assert 'fusionguard_monitoring_verdict{action="keep watching",model="churn",state="watch"} 1.0' in text
    assert 'fusionguard_monitoring_timestamp_seconds{model="fraud"} 1.770091506e+09' in text
    verdict(home, "fraud", state="healthy", action="none")
    assert 'fusionguard_monitoring_verdict{action="none",model="fraud",state="healthy"} 1.0' in metrics.text().decode()
    assert 'state="act"' not in metrics.text().decode()
    history_file(home, "churn").write_text("damaged\n")
    assert 'model="churn"' not in metrics.text().decode(), "and the rest is told"


def test_the_service_tells_when_its_release_was_written_and_its_models_were_trained(service: RunningService) -> None:
    written = (service.release / "release.json").stat().st_mtime
    assert service.metric("fusionguard_release_timestamp_seconds") == written
    assert service.metric("fusionguard_release_on_disk_timestamp_seconds") == written
    trained = httpx.get(f"{service.client.base_url}/metrics", trust_env=False).text
    assert 'fusionguard_model_trained_timestamp_seconds{model="churn",role="champion"} 1.7672256e+09' in trained
