"""Lines for the log that ZenML keeps of the step at work."""

from __future__ import annotations

import logging

from zenml.utils.logging_utils import LoggingContext


def into_step_log(line: str) -> None:
    """Add a line; nothing happens where no step is at work, or its log is not kept."""
    LoggingContext.dispatch(logging.LogRecord("slurm", logging.INFO, "", 0, line, None, None))
