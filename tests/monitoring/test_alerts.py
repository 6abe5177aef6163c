"""Alerts reach a real receiver that fails, once, and wait where it stays away."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fusionguard.errors import StorageError, UsageError
from fusionguard.monitoring.alerts import Alert, AlertError, FileChannel, LogChannel, WebhookChannel, deliver
from fusionguard.monitoring.alerts.webhook import ATTEMPTS, slack_message
from tests.monitoring.receiver import Receiver, running_receiver

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_alert(**changes: Any) -> Alert:
    said: dict[str, Any] = {
        "model": "fraud",
        "model_version": "0123456789ab",
        "level": "act",
        "headline": "Amount and V14 left their reference",
        "details": ("Amount: PSI 0.41 & rising", "V14: <missing> in 12 %"),
        "advice": ("Ask the payment gateway what changed on Monday.",),
        "causes": ("drift:Amount", "drift:V14"),
        "raised_at": NOON,
    }
    return Alert(**(said | changes))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as server:
        yield server


@pytest.fixture
def webhook(receiver: Receiver) -> WebhookChannel:
    return WebhookChannel(receiver.address, backoff_seconds=0.01, answer_seconds=0.5)


@pytest.mark.parametrize(
    "answers", [[500, 503], [None, 502], [1.5], [{"Retry-After": "0"}, 408]], ids=["busy", "hangs up", "slow", "too many"]
)
def test_a_receiver_that_fails_at_first_gets_it(receiver: Receiver, webhook: WebhookChannel, answers: list[Any]) -> None:
    receiver.answers = list(answers)
    webhook.send(an_alert())
    assert len(receiver.got) == len(answers) + 1
    headers = [got[0]["Idempotency-Key"] for got in receiver.got]
    assert len(set(headers)) == 1
    assert receiver.got[-1][1] == slack_message(an_alert())


@pytest.mark.parametrize(("answers", "tries"), [([500] * 9, ATTEMPTS), ([404], 1), ([302], 1), ([None] * 9, ATTEMPTS)])
def test_a_receiver_that_goes_on_failing_is_given_up(
    receiver: Receiver, webhook: WebhookChannel, answers: list[Any], tries: int
) -> None:
    receiver.answers = answers
    with pytest.raises(AlertError) as caught:
        webhook.send(an_alert())
    assert len(receiver.got) == tries
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_alert_that_is_refused_keeps_none_behind_it_waiting(
    receiver: Receiver, webhook: WebhookChannel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [*[503] * ATTEMPTS, 400]
    first, second = an_alert(), an_alert(causes=("drift:V3",))
    assert outcomes(first, [webhook], tmp_path / "ledger.json") == ["failed"]
    assert outcomes(second, [webhook], tmp_path / "ledger.json") == ["sent"]
    assert len(receiver.got) == ATTEMPTS + 2 and "refuses it" in caplog.text
    receiver.answers = [400]
    third = an_alert(causes=("drift:V4",))
    (refused,) = deliver(third, [webhook], tmp_path / "ledger.json")
    assert refused.outcome == "failed" and "refused the alert (400)" in refused.why
    assert outcomes(third, [webhook], tmp_path / "ledger.json") == ["sent"], "it was not told, and is news still"


@pytest.mark.parametrize("answers", [[None, 503], [302], [None] * 9])
def test_no_log_holds_the_address_at_any_level(
    receiver: Receiver, webhook: WebhookChannel, answers: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answers = list(answers)
    with suppress(AlertError):
        webhook.send(an_alert())
    assert receiver.got
    assert "secret" not in caplog.text and "127.0.0.1" not in caplog.text
    logging.getLogger("urllib3.connectionpool").warning("of others")
    assert "of others" in caplog.text, "only while an alert is sent"


def test_nobody_there_is_said_without_the_address(receiver: Receiver) -> None:
    receiver.server_close()
    with pytest.raises(AlertError, match="could not be reached") as caught:
        WebhookChannel(receiver.address, backoff_seconds=0.0, answer_seconds=0.5).send(an_alert())
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize("address", ["", "ftp://x/y", "hooks.example.org/x", "https://x/y z"])
def test_what_is_no_address_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(UsageError, match="FUSIONGUARD_WEBHOOK_URL") as caught:
        WebhookChannel(address)
    assert not address or address not in str(caught.value)


def test_slack_shows_it_as_it_is_meant() -> None:
    message = slack_message(an_alert(page="runs/7/<page>.html", details=("a" * 4000,), headline="h" * 200))
    header, section, context = message["blocks"]
    assert len(header["text"]["text"]) == 150
    assert len(section["text"]["text"]) == 3000
    assert "0123456789ab" in context["elements"][0]["text"]
    plain = slack_message(an_alert(page="runs/7/<page>.html"))["blocks"][1]["text"]["text"]
    assert "PSI 0.41 &amp; rising" in plain
    assert "&lt;missing&gt;" in plain
    assert "&lt;page&gt;" in plain
    assert "SIMULATED" in slack_message(an_alert(origin="simulated"))["text"]


def outcomes(alert: Alert, channels: list[Any], ledger: Path) -> list[str]:
    return [delivery.outcome for delivery in deliver(alert, channels, ledger)]


def test_news_is_told_once_a_day_a_change_at_once_and_health_only_after_trouble(tmp_path: Path) -> None:
    ledger, channel = tmp_path / "ledger.json", FileChannel(tmp_path / "alerts.jsonl")
    story = [
        (an_alert(level="healthy", causes=()), "quiet"),
        (an_alert(), "sent"),
        (an_alert(raised_at=NOON + timedelta(hours=23), causes=("drift:V14", "drift:Amount")), "repeated"),
        (an_alert(raised_at=NOON + timedelta(hours=23), model="churn"), "sent"),
        (an_alert(raised_at=NOON + timedelta(hours=25)), "sent"),
        (an_alert(raised_at=NOON + timedelta(hours=26), causes=("drift:V14",)), "sent"),
        (an_alert(raised_at=NOON + timedelta(hours=27), level="healthy", causes=()), "sent"),
        (an_alert(raised_at=NOON + timedelta(hours=28), level="healthy", causes=()), "quiet"),
        (an_alert(raised_at=NOON + timedelta(hours=29)), "sent"),
        (an_alert(raised_at=NOON - timedelta(days=30)), "sent"),
    ]
    assert [outcomes(alert, [channel], ledger) for alert, _ in story] == [[outcome] for _, outcome in story]
    told = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    assert [Alert(**line) for line in told] == [alert for alert, outcome in story if outcome == "sent"]


def test_what_could_not_be_told_waits_and_keeps_no_other_channel_from_it(
    receiver: Receiver, webhook: WebhookChannel, tmp_path: Path
) -> None:
    ledger, channels = tmp_path / "ledger.json", [webhook, FileChannel(tmp_path / "alerts.jsonl")]
    receiver.answers = [500] * ATTEMPTS
    first = deliver(an_alert(), channels, ledger)
    assert [delivery.outcome for delivery in first] == ["failed", "sent"]
    assert "500" in first[0].why
    receiver.answers, receiver.got = [], []
    second = an_alert(causes=("drift:V3",), headline="V3 too", raised_at=NOON + timedelta(hours=1))
    assert outcomes(second, channels, ledger) == ["sent", "sent"]
    assert [got[1]["text"] for got in receiver.got] == [slack_message(each)["text"] for each in (an_alert(), second)]
    assert "secret" not in ledger.read_text()


def test_what_waits_is_told_even_when_there_is_no_news(receiver: Receiver, webhook: WebhookChannel, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.json"
    receiver.answers = [500] * ATTEMPTS
    assert outcomes(an_alert(), [webhook], ledger) == ["failed"]
    receiver.got = []
    assert outcomes(an_alert(raised_at=NOON + timedelta(hours=1)), [webhook], ledger) == ["repeated"]
    assert len(receiver.got) == 1


def test_a_full_disk_fails_and_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "alerts.jsonl"
    FileChannel(file).send(an_alert())
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="disk is full"):
            FileChannel(file).send(an_alert())
    assert file.read_bytes() == before


def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_text("{")
    with pytest.raises(StorageError, match="damaged"):
        deliver(an_alert(), [LogChannel()], tmp_path / "ledger.json")


@pytest.mark.parametrize(("level", "number"), [("watch", logging.WARNING), ("act", logging.ERROR)])
def test_the_log_says_it_at_its_level(caplog: pytest.LogCaptureFixture, level: str, number: int) -> None:
    LogChannel().send(an_alert(level=level))
    assert caplog.records[0].levelno == number
    assert "PSI 0.41" in caplog.text
