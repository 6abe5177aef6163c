"""Where alerts go: the log, a file; a webhook is in its own module."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Protocol

from fusionguard.errors import FusionGuardError
from fusionguard.files import append_line
from fusionguard.monitoring.alerts.alert import Alert

_LEVELS = {"not judged": logging.INFO, "healthy": logging.INFO, "watch": logging.WARNING, "act": logging.ERROR}

_log = logging.getLogger("fusionguard.alerts")


class AlertError(FusionGuardError):
    """An alert that could not be told on a channel; it is kept and tried again by the next run."""


class RefusedAlertError(AlertError):
    """An alert that a channel takes neither now nor later; it is not kept, so that those behind it are told."""


class AlertChannel(Protocol):
    """A way to tell people."""

    @property
    def name(self) -> str:
        """What settings and messages call it; nothing secret."""

    def send(self, alert: Alert) -> None:
        """Tell an alert, or raise :class:`AlertError` or :class:`StorageError`."""


class LogChannel:
    """Python's logger ``fusionguard.alerts``: info, warning or error by the alert's level."""

    name = "log"

    def send(self, alert: Alert) -> None:
        """Log one line: the title and the two most important details."""
        _log.log(_LEVELS[alert.level], "%s", "; ".join((alert.title, *alert.details[:2])))


class FileChannel:
    """A file of JSON lines, which other programs may follow; each line is whole and on the disk when :meth:`send` returns."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, alert: Alert) -> None:
        """Append one line.

        Raises
        ------
        StorageError
            The disk is full, or the file cannot be written; what was written of the line is taken back.
        """
        append_line(self._path, json.dumps(alert.model_dump(mode="json"), ensure_ascii=False, sort_keys=True))
