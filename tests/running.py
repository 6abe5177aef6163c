"""A server of BentoML's that tests have started: what it counts, what it says, and its end."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import httpx

LOG_SECONDS = 10
STOP_SECONDS = 60


class RunningServer:
    """A supervisor with its workers, its output in a file, and a client of it."""

    process: subprocess.Popen[str]
    output: Path
    client: httpx.Client

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = self.client.get("/metrics").raise_for_status().text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def wait_said(self, text: str) -> None:
        """Wait for words in the log, which BentoML hands on a moment after the answer."""
        until = time.monotonic() + LOG_SECONDS
        while text not in self.output.read_text():
            assert time.monotonic() < until, self.output.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
