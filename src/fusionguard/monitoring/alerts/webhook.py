"""A webhook in Slack's format: chats and pagers that take an incoming webhook understand it."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fusionguard.errors import UsageError
from fusionguard.monitoring.alerts.alert import Alert
from fusionguard.monitoring.alerts.channels import AlertError, RefusedAlertError

VARIABLE = "FUSIONGUARD_WEBHOOK_URL"
"""The environment variable that holds the address: who knows the address may post, so it is a secret and stands in no file."""

ATTEMPTS = 4
BACKOFF_SECONDS = 0.5
"""Pause before the second retry; it doubles with each further one."""
LONGEST_PAUSE_SECONDS = 30
"""A receiver that asks for more patience than this is tried again by the next run."""
ANSWER_SECONDS = 10.0
RETRIED = (408, 425, 429, 500, 502, 503, 504)
REFUSED = (400, 413, 422)
"""What is said of a message that is wrong, and would be each time."""

_LOGGERS = ("urllib3.connectionpool", "urllib3.util.retry", "urllib3.poolmanager", "urllib3.connection", "urllib3.response")
"""Of urllib3, which names the path of a request in its warnings: of a webhook, that is the secret."""

_COLORS = {"not judged": "white", "healthy": "large_green", "watch": "large_yellow", "act": "red"}
_HEADER_CHARACTERS, _SECTION_CHARACTERS = 150, 3000
"""Slack refuses longer texts: https://docs.slack.dev/reference/block-kit/blocks."""


class WebhookChannel:
    """Posts alerts to an address, again where the receiver is busy or away.

    A receiver whose answer got lost may see an alert twice: both carry the same ``Idempotency-Key``.

    Parameters
    ----------
    address
        ``https://...``; ``http`` too, for receivers within a network of yours.
    """

    name = "webhook"

    @classmethod
    def from_environment(cls) -> WebhookChannel | None:
        """Return the channel to the address in ``FUSIONGUARD_WEBHOOK_URL``; nothing where it is empty or not set.

        Raises
        ------
        UsageError
            It does not hold an address.
        """
        address = os.environ.get(VARIABLE)
        return cls(address) if address else None

    def __init__(self, address: str, *, backoff_seconds: float = BACKOFF_SECONDS, answer_seconds: float = ANSWER_SECONDS) -> None:
        if not address.startswith(("https://", "http://")) or any(letter.isspace() for letter in address):
            raise UsageError(f"{VARIABLE} does not hold a web address.", "It must begin with https:// and hold no spaces.")
        self._address, self._backoff, self._answer_seconds = address, backoff_seconds, answer_seconds

    def send(self, alert: Alert) -> None:
        """Post an alert.

        Raises
        ------
        AlertError
            The receiver could not be reached or refused it, however often it was tried. The message does not hold the address.
        RefusedAlertError
            The receiver says that it is the alert that is wrong, not the address or the time.
        """
        import urllib3

        retry = urllib3.Retry(
            ATTEMPTS - 1,
            redirect=0,
            allowed_methods=None,
            status_forcelist=RETRIED,
            backoff_factor=self._backoff,
            retry_after_max=LONGEST_PAUSE_SECONDS,
            raise_on_status=False,
            raise_on_redirect=False,
        )
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"{alert.key}-{alert.raised_at.timestamp():.0f}"}
        with _unlogged(), urllib3.PoolManager(retries=retry, timeout=self._answer_seconds) as pool:
            try:
                answer = pool.request("POST", self._address, body=json.dumps(slack_message(alert)).encode(), headers=headers)
            except urllib3.exceptions.HTTPError as error:
                raise AlertError(f"The webhook could not be reached ({_why(error)}).", _KEPT) from None
        if answer.status in REFUSED:
            raise RefusedAlertError(
                f"The webhook refused the alert ({answer.status}).", f"It is not kept; does {VARIABLE} take Slack's format?"
            )
        if not 200 <= answer.status < 300:
            raise AlertError(f"The webhook answered {answer.status}.", _KEPT)


_KEPT = f"The alert is kept for the next run; check the address in {VARIABLE}."


def slack_message(alert: Alert) -> dict[str, Any]:
    """Return an alert as Slack's incoming webhooks take it: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""
    lines = [*(f"• {_escaped(line)}" for line in alert.details), *(f"→ {_escaped(line)}" for line in alert.advice)]
    if alert.page:
        lines.append(f"Page: `{_escaped(alert.page)}`")
    body = _cut("\n".join(lines), _SECTION_CHARACTERS)
    title = f":{_COLORS[alert.level]}_circle: {alert.title}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, _HEADER_CHARACTERS), "emoji": True}}
    ]
    if body:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": body}})
    about = f"model {alert.model} {alert.model_version}, {alert.raised_at:%Y-%m-%d %H:%M} UTC"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": about}]})
    return {"text": _escaped(title), "blocks": blocks}


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep what urllib3 logs of this thread's requests out of every log, at every level."""
    here = threading.get_ident()

    def of_others(record: logging.LogRecord) -> bool:
        return record.thread != here

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(of_others)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(of_others)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"


def _why(error: Exception) -> str:
    """Say what kind of failure it was; urllib3's texts hold the address."""
    reason = getattr(error, "reason", None) or error
    return type(reason).__name__
