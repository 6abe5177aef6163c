"""What BentoML's supervisor does for its workers: a folder and a lifeline, SIGHUP for those that take it, an end without any."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path
from typing import Any

from fusionguard.serving.lifeline import follow_lifeline, open_lifeline
from fusionguard.serving.service_folder import claim_folder

GIVE_UP = signal.SIGUSR1
"""What a worker sends the supervisor when no worker can start: the service ends, with :data:`FAILED` as its exit status."""

FAILED = 1


def supervise() -> None:
    """Prepare this process for its workers; BentoML starts them right after, with the environment as it is then.

    Raises
    ------
    StorageError
        The disk refuses.
    """
    from bentoml._internal.configuration.containers import BentoMLContainer

    os.environ.pop("BENTOML_CONTAINERIZED", None)  # with it BentoML starts no dead worker again
    follow_lifeline()
    # BentoML's own folder of counts is one for all services of a BENTOML_HOME, and each that starts empties it
    folder = claim_folder(Path(BentoMLContainer.bentoml_home.get()) / "services")
    tempfile.tempdir = str(folder)  # BentoML's folder of sockets goes with ours when this process is killed
    os.environ.update(open_lifeline()[1])
    _forward_reloads()
    _end_where_no_worker_can_start()


def _forward_reloads() -> None:
    """Let the supervisor send SIGHUP on: its own answer to it, new workers for old, would close connections."""
    from circus.sighandler import SysHandler

    def forward(handler: Any) -> None:
        for watcher in handler.controller.arbiter.iter_watchers():
            for process in list(watcher.processes.values()):
                if _catches_reloads(process.pid):
                    process.send_signal(signal.SIGHUP)

    SysHandler.handle_hup = forward


def _end_where_no_worker_can_start() -> None:
    from circus.sighandler import SysHandler

    def give_up(handler: Any) -> None:
        # What Circus raises when its loop has ended; an exception of another kind, it loses on the way.
        handler.controller.arbiter._exception = SystemExit(FAILED)
        handler.quit()

    SysHandler.SIGNALS = [*SysHandler.SIGNALS, GIVE_UP]
    SysHandler.handle_usr1 = give_up


def _catches_reloads(process: int) -> bool:
    """Tell whether a worker is far enough to take SIGHUP; an earlier one would die of it, and reads the release later anyway."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) & 1 << (signal.SIGHUP - 1))
