"""A Redis of a test's own, on loopback, with its data in a folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

START_SECONDS = 30


@dataclass
class RunningRedis:
    """A ``redis-server`` that writes each command to its file before it answers."""

    folder: Path
    port: int
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, as FUSIONGUARD_SERVE_STATE has it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, with what its file holds."""
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder), "--save", ""]
        command += ["--appendonly", "yes", "--appendfsync", "always", "--logfile", str(self.folder / "log"), *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(100).startswith((b"+PONG", b"-NOAUTH")):
                        return
            except OSError:
                pass
            assert time.monotonic() < until and self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.01)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        if self.process is not None:
            os.kill(self.process.pid, how)
            self.process.wait(START_SECONDS)
            self.process = None


@contextmanager
def running_redis(folder: Path, *options: str) -> Iterator[RunningRedis]:
    """Start one on a free port; end it afterwards. Without Debian's redis-server the test is left out."""
    if shutil.which("redis-server") is None:
        pytest.skip("needs redis-server")
    folder.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = RunningRedis(folder, port, options)
    server.start()
    try:
        yield server
    finally:
        server.stop(signal.SIGKILL)
