"""A real standalone Spark cluster on this machine: one master and one worker, from the pip package."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def standalone_cluster(folder: Path, monkeypatch: pytest.MonkeyPatch, memory: str = "1g") -> Iterator[None]:
    """Start a master and a worker of two cores, which ``SPARK_MASTER`` then names; both end with the block."""
    port, web = free_port(), free_port()
    address, own = f"spark://127.0.0.1:{port}", ("--host", "127.0.0.1")
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    with spark_daemon("org.apache.spark.deploy.master.Master", *own, "--port", str(port), "--webui-port", str(web), cwd=folder):
        wait_for(port)
        given = (*own, "--cores", "2", "--memory", memory, "--work-dir", str(folder / "work"), address)
        with spark_daemon("org.apache.spark.deploy.worker.Worker", *given, cwd=folder):
            monkeypatch.setenv("SPARK_MASTER", address)
            yield
            monkeypatch.delenv("SPARK_MASTER")


@contextmanager
def spark_daemon(*arguments: str, cwd: Path) -> Iterator[None]:
    """Run a Spark daemon from the pip package, which has no start scripts."""
    import pyspark

    command = [str(Path(pyspark.__file__).parent / "bin" / "spark-class"), *arguments]
    with (cwd / "daemon.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=cwd, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
