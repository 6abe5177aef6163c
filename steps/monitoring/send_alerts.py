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


@step(enable_cache=False)
def send_alerts(verdict: Verdict, facts: WindowFacts, kept: KeptVerdict, config: AlertConfig) -> Annotated[Told, "told"]:
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
        causes=tuple(  # what is graver decides; lesser findings come and go, and are no news
            f"{finding.kind}:{finding.subject}:{finding.segment}"
            for finding in verdict.findings
            if finding.level == verdict.state
        ),
        origin="simulated" if facts.is_simulated else "",
        page=str(kept.page),
        raised_at=datetime.now(UTC),
    )
    ledger = home.monitoring / "alerts.json"
    told = deliver(alert, channels, ledger, repeat_hours=config.repeat_hours)
    return Told(outcomes={each.channel: f"{each.outcome}: {each.why}" if each.why else each.outcome for each in told})
