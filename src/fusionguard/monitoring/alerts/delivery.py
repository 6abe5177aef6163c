"""Telling each piece of news once a channel: a ledger remembers what was told when, and what still has to be."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from fusionguard.errors import StorageError
from fusionguard.files import locked, storage_errors, write_json
from fusionguard.monitoring.alerts.alert import Alert
from fusionguard.monitoring.alerts.channels import AlertChannel, AlertError, RefusedAlertError

KEPT_ALERTS = 100
"""So many alerts wait for a channel at most; then the oldest is dropped, which is logged."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Delivery:
    """What became of an alert on one channel.

    ``outcome`` is ``sent``, ``repeated`` (told already within the time), ``quiet`` (nothing to tell: healthy as
    before, or not judged) or ``failed``, which ``why`` explains.
    """

    channel: str
    outcome: str
    why: str = ""


def deliver(alert: Alert, channels: Sequence[AlertChannel], ledger: Path, *, repeat_hours: float = 24.0) -> tuple[Delivery, ...]:
    """Tell an alert on every channel, and before it what could not be told earlier. One channel's failure keeps no other from it.

    News that was told is not told again for ``repeat_hours``; a level that changes is news. A healthy model is news only after
    one that was not. Runs at the same time tell it once.

    Parameters
    ----------
    ledger
        The file that remembers; begun where there is none.

    Raises
    ------
    StorageError
        The ledger is damaged or cannot be written.
    """
    with storage_errors(ledger):
        ledger.parent.mkdir(parents=True, exist_ok=True)
        with locked(ledger.parent):
            book = _read(ledger)
            outcomes = []
            for channel in channels:
                page = book.channels.setdefault(channel.name, _Page())
                outcomes.append(_tell(alert, channel, page, timedelta(hours=repeat_hours)))
                write_json(ledger, book.model_dump(mode="json"))
    return tuple(outcomes)


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: str
    level: str
    at: AwareDatetime


class _Page(BaseModel):
    """Of one channel: what each model was told about last, and what waits."""

    model_config = ConfigDict(extra="forbid")

    told: dict[str, _Told] = {}
    waiting: list[Alert] = []


class _Book(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = 1
    channels: dict[str, _Page] = {}


def _tell(alert: Alert, channel: AlertChannel, page: _Page, repeat: timedelta) -> Delivery:
    last = page.told.get(alert.model)
    queue = list(page.waiting)
    outcome = _news(alert, last, queue, repeat)
    if outcome == "sent":
        queue.append(alert)
    page.waiting = []
    for place, waiting in enumerate(queue):
        try:
            channel.send(waiting)
        except RefusedAlertError as error:
            _log.warning("an alert is dropped, the channel '%s' refuses it: %s", channel.name, waiting.title)
            if waiting is alert:
                return Delivery(channel.name, "failed", str(error))
            continue
        except (AlertError, StorageError) as error:
            page.waiting = _bounded(queue[place:], channel.name)
            return Delivery(channel.name, "failed", str(error))
        page.told[waiting.model] = _Told(key=waiting.key, level=waiting.level, at=waiting.raised_at)
    return Delivery(channel.name, outcome)


def _news(alert: Alert, last: _Told | None, waiting: list[Alert], repeat: timedelta) -> str:
    of_model = [other for other in waiting if other.model == alert.model]
    if of_model:
        last = _Told(key=of_model[-1].key, level=of_model[-1].level, at=of_model[-1].raised_at)
    if alert.level == "not judged":
        return "quiet"
    if alert.level == "healthy" and (last is None or last.level == "healthy"):
        return "quiet"
    # A clock that was put back must not keep news quiet until it has caught up.
    if last is not None and last.key == alert.key and abs(alert.raised_at - last.at) < repeat:
        return "repeated"
    return "sent"


def _bounded(waiting: list[Alert], channel: str) -> list[Alert]:
    if len(waiting) > KEPT_ALERTS:
        _log.warning("%d alerts were dropped: too many wait for the channel '%s'", len(waiting) - KEPT_ALERTS, channel)
    return waiting[-KEPT_ALERTS:]


def _read(ledger: Path) -> _Book:
    if not ledger.exists():
        return _Book()
    try:
        return _Book.model_validate_json(ledger.read_bytes())
    except ValidationError as error:
        raise StorageError(
            f"The ledger of alerts '{ledger}' is damaged.", "Move it away; what was told may then be told once more."
        ) from error
