"""A process that has talked to ZenML ends without a word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ENDS = """
from stacks.session import open_client
open_client()
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
kept = LoggingHandler(logger_provider=LoggerProvider())  # as ZenML keeps that of its log store
"""


@pytest.mark.full
def test_the_interpreters_end_is_quiet(zenml_store: Path) -> None:
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", ENDS], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
