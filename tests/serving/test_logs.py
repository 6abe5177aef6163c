"""What a service writes: one JSON object a line where it is asked to, its libraries' words too, and nothing that was sent."""

from __future__ import annotations

import contextvars
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fusionguard.assistant.index import build_index
from fusionguard.home import Home
from fusionguard.serving.keys import add_key
from fusionguard.serving.logs import JsonLines, TextLines, configure_logs, failure_line
from fusionguard.serving.request_ids import CURRENT
from fusionguard.serving.settings import ServeSettings
from tests.assistant.http.conftest import start_assistant
from tests.serving.conftest import Starter

LOGGERS = ("", "fusionguard", "uvicorn", "uvicorn.error", "uvicorn.access", "bentoml", "circus", "py.warnings")


def lines(text: str) -> list[dict[str, Any]]:
    """Every line as the object that it must be."""
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """What this process logs as a service does; its loggers are put back."""
    kept = [(logger, logger.level, logger.handlers[:], logger.propagate) for logger in map(logging.getLogger, LOGGERS)]
    hooks = sys.excepthook, sys.unraisablehook
    of_thread = threading.excepthook
    monkeypatch.delenv("FUSIONGUARD_VERBOSE", raising=False)
    yield capsys
    logging.captureWarnings(False)
    threading.excepthook = of_thread
    sys.excepthook, sys.unraisablehook = hooks
    for logger, level, handlers, propagate in kept:
        logger.setLevel(level)
        logger.handlers[:], logger.propagate = handlers, propagate


def test_every_record_is_an_object_of_one_line(written: pytest.CaptureFixture[str]) -> None:
    before = datetime.now(UTC)
    configure_logs("json")
    logging.getLogger("fusionguard.serving.app").info("Größe %s,\nzweite Zeile", "Ł\udc80")
    logging.getLogger("some.library").info("progress")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("an old name", UserWarning, stacklevel=1)
    try:
        raise KeyError("column")
    except KeyError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved")
    text = written.readouterr().out
    own, uvicorn, warned, raised = lines(text)
    assert own["message"] == "Größe Ł\udc80,\nzweite Zeile" and "Größe Ł" in text, "UTF-8, and a line stays one"
    assert {name: own[name] for name in ("level", "logger", "process")} == {
        "level": "info",
        "logger": "fusionguard.serving.app",
        "process": os.getpid(),
    }
    assert own["time"].endswith("Z") and -0.001 < (datetime.fromisoformat(own["time"]) - before).total_seconds() < 60
    assert (uvicorn["logger"], uvicorn["level"]) == ("uvicorn.error", "warning"), "once, and progress not at all"
    assert warned["logger"] == "py.warnings" and "an old name" in warned["message"]
    assert "request_id" not in own and "KeyError: 'column'" in raised["exception"]


def test_libraries_are_heard_where_it_is_asked_for(written: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSIONGUARD_VERBOSE", "1")
    configure_logs("text")
    logging.getLogger("some.library").info("progress")
    logging.getLogger("uvicorn.access").info('203.0.113.9 - "GET /v1/models HTTP/1.1" 200')
    (line,) = written.readouterr().out.splitlines()
    assert line.endswith(f"[INFO] [{os.getpid()}] progress"), "whoever asks is never written"


def raised_over(cell: str, request: str | None) -> logging.LogRecord:
    """A record of what a library raised over a cell, outside of a request or in one."""
    CURRENT.set(request)
    try:
        float(cell[::-1][::-1])
    except ValueError:
        return logging.getLogger("x").makeRecord("x", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    raise AssertionError(cell)


def test_what_fails_while_a_request_is_at_work_is_told_without_what_was_sent() -> None:
    def written(form: logging.Formatter, request: str | None) -> str:
        return contextvars.copy_context().run(lambda: form.format(raised_over("Hargrave", request)))

    line = json.loads(written(JsonLines(), "mine-1"))
    assert line["request_id"] == "mine-1" and "Hargrave" not in line["exception"]
    assert line["exception"].endswith("ValueError") and "in raised_over" in line["exception"]
    text = written(TextLines(), "mine-1").splitlines()
    assert text[0].endswith("failed") and text[-1] == "ValueError" and not [one for one in text[:-2] if "Hargrave" in one]
    assert "Hargrave" in written(TextLines(), None) and "Hargrave" in written(JsonLines(), None), "nobody's cell is there"


def test_errors_that_nobody_caught_are_objects_too() -> None:
    code = """
import threading
from fusionguard.serving.logs import configure_logs
configure_logs("json")
thread = threading.Thread(target=lambda: 1 / 0, name="worker")
thread.start()
thread.join()
raise RuntimeError("the end")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    of_thread, last = lines(done.stdout)
    assert (done.returncode, done.stderr) == (1, "")
    assert of_thread["message"] == "An error ended the thread 'worker'." and "ZeroDivisionError" in of_thread["exception"]
    assert last["level"] == "critical" and "RuntimeError: the end" in last["exception"]


def test_a_failure_is_one_line_in_both_forms() -> None:
    assert failure_line("It is\n broken.", "text") == "fusionguard: It is broken."
    assert json.loads(failure_line("It is\n broken.", "json"))["message"] == "It is broken."
    with pytest.raises(ValidationError, match="log_format"):
        ServeSettings(log_format="xml")  # type: ignore[arg-type]


@pytest.mark.full
def test_a_service_writes_nothing_but_objects(
    starter: Starter, release_folder: Path, transaction: dict[str, Any], tmp_path: Path
) -> None:
    blocked, keys = tmp_path / "blocked", tmp_path / "keys.json"
    blocked.write_text("a file where the log's folder should be")
    key = add_key(keys, "somebody")
    service = starter(release_folder, log_format="json", workers=2, log=blocked, keys=keys)
    service.client.headers["authorization"] = f"Bearer {key}"
    assert service.post("/v1/fraud/score", transaction).status_code == 200
    assert service.post("/v1/fraud/score", {"name": "Hargrave"}).status_code == 422
    assert service.client.get("/nowhere/Hargrave").status_code == 404
    service.wait_said("cannot be written, and waits in memory")
    os.kill(service.process.pid, signal.SIGHUP)
    service.wait_metric('fusionguard_reloads_total{outcome="loaded"}', 2)
    keys.write_text("damaged")
    os.kill(service.process.pid, signal.SIGHUP)
    service.wait_said("Not reloaded, the models in use stay")
    service.stop()
    text = service.output.read_text()
    said = [(line["level"], line["message"]) for line in lines(text)]
    assert sum(message.startswith("FusionGuard answers on http://127.0.0.1:") for _, message in said) == 1, "one worker says so"
    assert sum(message.startswith("Models in use: fraud ") for _, message in said) == 4, "each at its start, and later"
    assert ("error", "Not reloaded, the models in use stay: ") in {(level, message[:38]) for level, message in said}
    assert "Hargrave" not in text and key not in text


@pytest.mark.long
@pytest.mark.full
def test_the_assistant_does_too(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    build_index(home)
    for form in ("json", "text"):
        running = start_assistant(tmp_path / form, home, console_log_format=form)
        try:
            running.wait_ready()
            assert running.ask("Is Hargrave a customer?").status_code == 200
        finally:
            running.stop()
    said = lines((tmp_path / "json" / "output.txt").read_text())
    assert [line["message"].endswith("/console/ (Ctrl-C ends it)") for line in said] == [True]
    (line,) = (tmp_path / "text" / "output.txt").read_text().splitlines()
    assert "[INFO]" in line and "FusionGuard answers on http://127.0.0.1:" in line
