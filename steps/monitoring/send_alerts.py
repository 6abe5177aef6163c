"""Telling people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from zenml import step

from fusionguard.home import find_home
from fusionguard.monitoring.alerts import Alert, AlertChannel, FileChannel, LogChannel, WebhookChannel, deliver
from fusionguard.monitoring.keep import KeptVerdict
from fusionguard.monitoring.settings import AlertConfig
from fusionguard.monitoring.verdict import Verdict
from fusionguard.monitoring.window import WindowFacts


class Told(BaseModel):
    """What became of the news, by channel: ``sent``, ``repeated``, ``quiet`` or ``failed`` with the reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcomes: dict[str, str]


def _headline(verdict: Verdict) -> str:
    """Return the verdict in a line; the alert's title says the state itself."""
    if verdict.state == "healthy":
        return "nothing that was checked is beyond its limit"
    return verdict.sentence().removeprefix(f"{verdict.state}: ")


def _causes(verdict: Verdict) -> tuple[str, ...]:
    """Return what makes the verdict this piece of news: the advice, and what decides it in all rows.

    Lesser findings come and go, and so do segments: one more or less of them is no news. Where they alone decide, that is all.
    """
    deciding = [finding for finding in verdict.findings if finding.level == verdict.state]
    whole = tuple(dict.fromkeys(f"{finding.kind}:{finding.subject}" for finding in deciding if not finding.segment))
    return (f"advice:{verdict.action}", *(whole or (("segments",) if deciding else ())))


@step(enable_cache=False)
def send_alerts(
    verdict: Verdict, facts: WindowFacts, kept: KeptVerdict, config: AlertConfig
) -> Annotated[Told, "{pipeline}_told"]:
    """Tell the verdict on every channel, where it is news; a channel that fails does not fail the run, and is told of later."""
    home = find_home()
    channels: list[AlertChannel] = [LogChannel()] if config.log else []
    if config.file:
        channels.append(FileChannel(home.monitoring / "alerts.jsonl"))
    if (webhook := WebhookChannel.from_environment()) is not None:
        channels.append(webhook)
    alert = Alert(
        model=facts.model,
        model_version=facts.model_version,
        level=verdict.state,
        headline=_headline(verdict),
        details=verdict.reasons[:5],
        advice=() if verdict.action == "none" else (verdict.action,),
        causes=_causes(verdict),
        origin="simulated" if facts.is_simulated else "",
        page=str(kept.page),
        raised_at=datetime.now(UTC),
    )
    ledger = home.monitoring / "alerts.json"
    told = deliver(alert, channels, ledger, repeat_hours=config.repeat_hours)
    return Told(outcomes={each.channel: f"{each.outcome}: {each.why}" if each.why else each.outcome for each in told})
