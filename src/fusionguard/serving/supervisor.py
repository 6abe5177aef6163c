"""What BentoML's supervisor does for its workers: it hands SIGHUP on to those that take it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any


def forward_reloads() -> None:
    """Let the supervisor send SIGHUP on: its own answer to it, new workers for old, would close connections."""
    from circus.sighandler import SysHandler

    def forward(handler: Any) -> None:
        for watcher in handler.controller.arbiter.iter_watchers():
            for process in list(watcher.processes.values()):
                if _catches_reloads(process.pid):
                    process.send_signal(signal.SIGHUP)

    SysHandler.handle_hup = forward


def _catches_reloads(process: int) -> bool:
    """Tell whether a worker is far enough to take SIGHUP; an earlier one would die of it, and reads the release later anyway."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) & 1 << (signal.SIGHUP - 1))
