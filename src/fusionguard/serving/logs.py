"""What a service writes: lines of text, or one JSON object a line; its own words and those of the libraries below it."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

from fusionguard.errors import FusionGuardError
from fusionguard.serving.request_ids import CURRENT
from fusionguard.verbose import is_verbose

LogFormat = Literal["text", "json"]

_TEXT = "%(asctime)s [%(levelname)s] [%(process)d] %(message)s"
_TIME = "%Y-%m-%dT%H:%M:%S%z"
_OTHERS = ("bentoml", "circus", "uvicorn", "uvicorn.error", "uvicorn.access")
"""Loggers to which BentoML gives handlers of its own; some of them wrote each line twice."""

_log = logging.getLogger("fusionguard.serving")


class JsonLines(logging.Formatter):
    """One JSON object a record: ``time`` in UTC, ``level``, ``logger``, ``message``, ``process``, and where there are such
    ``request_id`` and ``exception``.

    What is raised while a request is at work, or over rows that were logged (a record with ``of_rows``), may hold what was sent:
    of it only the kind and the place are written.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        request_id = CURRENT.get()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if request_id is not None:
            line["request_id"] = request_id
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _raised(record.exc_info[1], whole=_may_be_told(record))
        return _json(line)


class TextLines(logging.Formatter):
    """A line of text a record, and what was raised below it, of which no more is written than :class:`JsonLines` writes."""

    def __init__(self) -> None:
        super().__init__(_TEXT, _TIME)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and the lines of what was raised."""
        told = logging.makeLogRecord(record.__dict__ | {"exc_info": None, "exc_text": None})
        line = super().format(told)
        if record.exc_info and record.exc_info[1] is not None:
            line += f"\n{_raised(record.exc_info[1], whole=_may_be_told(record)).rstrip()}"
        return line


def configure_logs(form: LogFormat) -> None:
    """Write what this process logs to standard output in that form; what libraries log below a warning only if asked to."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO if is_verbose() else logging.WARNING)
    for name in _OTHERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)  # a line a request would cost more than the answer
    logging.getLogger("fusionguard").setLevel(logging.INFO)
    logging.captureWarnings(True)
    if form == "json":
        _log_what_nobody_caught()


def failure_line(text: str, form: LogFormat, cause: BaseException | None = None) -> str:
    """Return the one line that says why a service did not start; where all is to be shown, with what was raised and where."""
    raised = "" if cause is None or not is_verbose() else _raised(cause, whole=True)
    if form == "text":
        return f"{raised}fusionguard: {' '.join(text.split())}"
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = {"time": now, "level": "critical", "logger": _log.name, "message": " ".join(text.split()), "process": os.getpid()}
    return _json(line | ({"exception": raised} if raised else {}))


@contextmanager
def one_line_errors(form: LogFormat) -> Iterator[None]:
    """End the process with one line on standard error where what it is asked for cannot be done; verbose, with its cause."""
    try:
        yield
    except FusionGuardError as error:
        print(failure_line(str(error), form, error.__cause__), file=sys.stderr, flush=True)  # noqa: T201 - whatever else ends BentoML, it shows whole
        raise SystemExit(error.exit_status) from None


def wanted_format(variable: str) -> LogFormat:
    """Return the form that an environment variable names; text for what means nothing, which reading the settings refuses."""
    return "json" if os.environ.get(variable) == "json" else "text"


def _json(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()  # half a surrogate is no UTF-8


def _may_be_told(record: logging.LogRecord) -> bool:
    return CURRENT.get() is None and not getattr(record, "of_rows", False)


def _raised(error: BaseException, *, whole: bool) -> str:
    if whole:
        return "".join(traceback.format_exception(error))
    return "".join(["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__), type(error).__name__])


def _log_what_nobody_caught() -> None:
    def whole(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        _log.critical("An error ended this process.", exc_info=(kind, error, trace))

    def of_thread(raised: threading.ExceptHookArgs) -> None:
        if raised.exc_value is not None:
            trace = (raised.exc_type, raised.exc_value, raised.exc_traceback)
            _log.error("An error ended the thread '%s'.", raised.thread and raised.thread.name, exc_info=trace)

    def ignored(raised: sys.UnraisableHookArgs) -> None:
        if raised.exc_value is not None:
            _log.error("An error was ignored.", exc_info=(raised.exc_type, raised.exc_value, raised.exc_traceback))

    sys.excepthook, threading.excepthook, sys.unraisablehook = whole, of_thread, ignored
