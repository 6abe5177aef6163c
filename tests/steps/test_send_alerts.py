"""The step that tells people: who hears what, and what becomes of it where the webhook fails."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fusionguard.home import Home
from fusionguard.monitoring.alerts import webhook
from fusionguard.monitoring.findings import Finding
from fusionguard.monitoring.keep import KeptVerdict
from fusionguard.monitoring.settings import AlertConfig
from fusionguard.monitoring.verdict import Verdict
from fusionguard.monitoring.window import WindowFacts
from tests.monitoring.receiver import Receiver, running_receiver
from tests.monitoring.verdicts import MOVED, finding

pytestmark = pytest.mark.usefixtures("zenml_store")

FACTS = WindowFacts(model="fraud", model_version="a1b2c3d4e5f6", rows=900, labelled=9, simulated=900, origin="simulated")
KEPT = KeptVerdict(page=Path("verdict.html"), text=Path("verdict.md"))


def verdict(state: str, **changes: Any) -> Verdict:
    grave = state in ("watch", "act")
    said: dict[str, Any] = {
        "state": state,
        "cause": "population" if grave else "none",
        "action": "retrain" if grave else "none",
        "since": datetime(2026, 3, 1, tzinfo=UTC) if grave else None,
        "features": ("V1",) if grave else (),
        "segments": (),
        "sureness": 0.999 if grave else None,
        "findings": (MOVED,) if grave else (),
        "reasons": ("V1 has moved",) if grave else (),
        "remarks": (),
    }
    return Verdict(**(said | changes))


def told(state: str, **settings: Any) -> dict[str, str]:
    return tell(verdict(state), **settings)


def tell(said: Verdict, **settings: Any) -> dict[str, str]:
    from steps.monitoring.send_alerts import send_alerts

    return dict(send_alerts.entrypoint(said, FACTS, KEPT, AlertConfig(**settings)).outcomes)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(webhook.WebhookChannel.__init__.__kwdefaults__, "backoff_seconds", 0.01)
    with running_receiver() as server:
        monkeypatch.setenv("FUSIONGUARD_WEBHOOK_URL", server.address)
        yield server


def test_a_verdict_is_told_on_every_channel_once(home: Home, receiver: Receiver) -> None:
    assert told("act") == {"log": "sent", "file": "sent", "webhook": "sent"}
    assert told("act") == {"log": "repeated", "file": "repeated", "webhook": "repeated"}
    ((_, message),) = receiver.got
    assert message["text"].startswith(":red_circle: ACT fraud (SIMULATED): V1 since 2026-03-01")
    assert "V1 has moved" in message["blocks"][1]["text"]["text"]
    assert (home.monitoring / "alerts.jsonl").read_text().count("\n") == 1


def test_a_webhook_that_fails_is_said_and_the_next_run_tells_what_waited(home: Home, receiver: Receiver) -> None:
    receiver.answers = [500] * webhook.ATTEMPTS
    outcomes = told("act", log=False)
    assert outcomes["file"] == "sent"
    assert outcomes["webhook"].startswith("failed: The webhook answered 500.")
    assert "secret" not in outcomes["webhook"]
    receiver.got = []
    assert told("act", log=False) == {"file": "repeated", "webhook": "repeated"}
    assert [message["text"].partition(" (")[0] for _, message in receiver.got] == [":red_circle: ACT fraud"]
    assert not [file for file in home.root.rglob("*") if file.is_file() and b"secret" in file.read_bytes()]


def test_what_was_not_judged_is_no_news_and_health_is_after_an_alarm(home: Home) -> None:
    assert told("not judged", log=False) == {"file": "quiet"}
    assert told("watch", log=False) == {"file": "sent"}
    assert told("not judged", log=False) == {"file": "quiet"}
    assert told("watch", log=False) == {"file": "repeated"}, "the alarm still stands"
    assert told("healthy", log=False) == {"file": "sent"}
    assert told("healthy", log=False) == {"file": "quiet"}


def inside(subject: str, segment: str) -> Finding:
    return finding("psi", subject).model_copy(update={"segment": segment})


def test_one_segment_more_or_less_is_no_news(home: Home) -> None:
    germans, women = inside("V1", "geography: Germany"), inside("V9", "gender: Female")
    findings = ((MOVED, germans), (MOVED,), (MOVED, germans, women))
    outcomes = [tell(verdict("act", findings=found), log=False)["file"] for found in findings]
    assert outcomes == ["sent", "repeated", "repeated"]
    alone = [tell(verdict("act", findings=found), log=False)["file"] for found in ((germans,), (germans, women), (women,))]
    assert alone == ["sent", "repeated", "repeated"], "where segments alone decide, that is the news"


def test_another_column_or_another_advice_is_news(home: Home) -> None:
    lesser, graver = ((MOVED, finding("psi", "V9", level)) for level in ("watch", "act"))
    assert tell(verdict("act"), log=False) == {"file": "sent"}
    assert tell(verdict("act", findings=lesser), log=False) == {"file": "repeated"}
    assert tell(verdict("act", findings=graver), log=False) == {"file": "sent"}
    assert tell(verdict("act", action="find out what changed", findings=graver), log=False) == {"file": "sent"}


def test_without_an_address_no_webhook_is_tried(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUSIONGUARD_WEBHOOK_URL", raising=False)
    assert told("act", file=False) == {"log": "sent"}
