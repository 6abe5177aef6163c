"""What BentoML's supervisor does for its workers: a folder and a lifeline, SIGHUP for those that take it, an end without any."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from fusionguard.serving.lifeline import follow_lifeline, open_lifeline
from fusionguard.serving.logs import LogFormat, failure_line
from fusionguard.serving.service_folder import VARIABLE, claim_folder

GIVE_UP = signal.SIGUSR1
"""What a worker sends the supervisor when no worker can start: the service ends, with :data:`FAILED` as its exit status."""

FAILED = 1

CRASHES = 2
"""How many workers may crash, as from a fault in a library, before one has ever answered."""

ANSWERED = "answered"
"""The file in the service's folder by which a worker marks that the service has answered."""

_REASON = "reason"


def leave_reason(text: str) -> None:
    """Let the supervisor know why no worker can start; the first one who says so is heard."""
    folder = os.environ.get(VARIABLE)
    if folder:
        try:
            with (Path(folder) / _REASON).open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            pass


def supervise(form: LogFormat) -> None:
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
    _end_where_no_worker_can_start(folder, form)
    _end_where_workers_crash(folder)


def _forward_reloads() -> None:
    """Let the supervisor send SIGHUP on: its own answer to it, new workers for old, would close connections."""
    from circus.sighandler import SysHandler

    def forward(handler: Any) -> None:
        for watcher in handler.controller.arbiter.iter_watchers():
            for process in list(watcher.processes.values()):
                if _catches_reloads(process.pid):
                    process.send_signal(signal.SIGHUP)

    SysHandler.handle_hup = forward


def _end_where_no_worker_can_start(folder: Path, form: LogFormat) -> None:
    from circus.sighandler import SysHandler

    told: list[str] = []

    def give_up(handler: Any) -> None:
        if not told:  # several workers may have asked for it
            told.append((folder / _REASON).read_text(encoding="utf-8"))
            print(failure_line(f"No worker could start: {told[0]}", form), file=sys.stderr, flush=True)  # noqa: T201 - for a person
        # What Circus raises when its loop has ended; an exception of another kind, it loses on the way.
        handler.controller.arbiter._exception = SystemExit(FAILED)
        handler.quit()

    SysHandler.SIGNALS = [*SysHandler.SIGNALS, GIVE_UP]
    SysHandler.handle_usr1 = give_up


def _end_where_workers_crash(folder: Path) -> None:
    """Give up where workers end before one has answered, and cannot say why; else the same would be started for ever."""
    from circus.watcher import Watcher

    reap, crashed = Watcher.reap_process, []

    def reap_process(watcher: Any, process: int, status: int | None = None) -> None:
        own = process in watcher.processes
        reap(watcher, process, status)
        if not own or status is None or watcher.is_stopping() or (folder / ANSWERED).exists() or (folder / _REASON).exists():
            return
        crashed.append(process)
        if len(crashed) == CRASHES:
            leave_reason(f"they {_ended(os.waitstatus_to_exitcode(status))}, {CRASHES} times. See fusionguard doctor.")
            threading.Thread(target=_end_this_process, name="give up", daemon=True).start()

    Watcher.reap_process = reap_process


def _end_this_process() -> None:
    """Ask Circus to end until it does: it drops what it is asked for while it looks after its workers."""
    while True:
        os.kill(os.getpid(), GIVE_UP)
        time.sleep(1)


def _ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    names = {each.value: each.name for each in signal.Signals}
    return f"were ended by {names.get(-status, f'signal {-status}')}"


def _catches_reloads(process: int) -> bool:
    """Tell whether a worker is far enough to take SIGHUP; an earlier one would die of it, and reads the release later anyway."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) & 1 << (signal.SIGHUP - 1))
