"""Features by Spark: this machine, a standalone or YARN cluster (``SPARK_MASTER``), or Spark Connect (``SPARK_REMOTE``).

Spark works in a process of its own, :mod:`fusionguard.features.spark_job`: its JVM, its memory and its chatter go with it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fusionguard.data.table import Table
from fusionguard.errors import UsageError
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.engine import EngineError
from fusionguard.features.spark_job import PROGRESS
from fusionguard.files import storage_errors

_JOB = "fusionguard.features.spark_job"
_PATIENCE_SECONDS = 5
_CONNECT_PORT = 15002


@dataclass(frozen=True)
class SparkEngine:
    """Runs the SQL on Spark. A cluster must see ``raw`` and ``destination`` under the same paths as this machine."""

    definition: FeatureDefinition
    name: str = "spark"

    def build(self, raw: Table, destination: Path) -> Table:
        """Write the training set made from ``raw`` as part files into ``destination``, a new folder, and return it.

        Raises
        ------
        EngineError
            PySpark or Java is missing, the cluster cannot be reached, or the job failed; the message ends with Spark's own.
        """
        require_spark()
        with storage_errors(destination):
            destination.mkdir(parents=True)
            scratch = Path(tempfile.mkdtemp(prefix=f".{destination.name}.spark.", dir=destination.parent))
        try:
            written = scratch / "written"
            job: dict[str, object] = {
                "raw": [str(file.resolve()) for file in raw.files],
                "row_column": self.definition.row_column,
                "rows_sql": self.definition.rows_text,
                "rows_view": self.definition.rows_view,
                "training_set_sql": self.definition.training_set_text,
                "destination": str(written.resolve()),
                "scratch": str(scratch.resolve()),
                "rows": raw.rows,
            }
            run_spark(_JOB, job, scratch)
            with storage_errors(destination):
                _adopt(written, destination)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return Table(destination)


def require_spark() -> None:
    """Raise :class:`EngineError` where PySpark or Java is missing, or nothing answers at the cluster's address."""
    if find_spec("pyspark") is None:
        raise EngineError(
            "The Spark engine needs PySpark.",
            "Install it (make setup-spark in a checkout, pip install 'fusionguard[spark]' elsewhere), or use --engine duckdb.",
        )
    remote, master = os.environ.get("SPARK_REMOTE"), os.environ.get("SPARK_MASTER", "")
    if remote:
        _require_answer("SPARK_REMOTE", remote)
        return
    java_home = os.environ.get("JAVA_HOME")
    java = Path(java_home, "bin", "java") if java_home else shutil.which("java")
    if java is None or not Path(java).is_file():
        where = f"JAVA_HOME={java_home} holds none" if java_home else "there is none on the PATH"
        raise EngineError(f"The Spark engine needs Java 17 or newer; {where}.", "Install a JRE, or use --engine duckdb.")
    if master.startswith("spark://"):
        _require_answer("SPARK_MASTER", master)


def _require_answer(variable: str, address: str) -> None:
    """Knock before Spark does, at each of several masters: it would go on knocking for minutes."""
    scheme, _, places = address.partition("://")
    reason = ""
    for place in places.split("/")[0].split(","):  # what follows a slash may be a token, which no message may show
        host, _, port = place.rpartition(":") if ":" in place else (place, "", str(_CONNECT_PORT))
        if not host or not port.isdigit():
            raise UsageError(
                f"{variable} does not hold an address.",
                f"Write it as {'sc' if variable == 'SPARK_REMOTE' else 'spark'}://HOST:PORT.",
            )
        try:
            socket.create_connection((host, int(port)), timeout=_PATIENCE_SECONDS).close()
            return
        except OSError as error:
            reason = f"{scheme}://{host}:{port}: {error.strerror or error}"
    raise EngineError(f"Nothing answers at the {variable} ({reason}).", "Start it, correct the address, or unset it.")


def run_spark(module: str, job: dict[str, object], scratch: Path, *, heard: Callable[[float], None] | None = None) -> None:
    """Run a module that works on Spark in a process of its own.

    Parameters
    ----------
    module
        Its ``main`` is :func:`~fusionguard.features.spark_job.run_job`.
    job
        What it reads from standard input, as JSON.
    scratch
        The folder it works in.
    heard
        Told which share of the work is done, in [0, 1], where the module tells.

    Raises
    ------
    EngineError
        It failed; the message ends with Spark's own.
    """
    command = [sys.executable, "-m", module]
    package_root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path}
    # The JVM holds the other end of this pipe: reading to its end waits until the JVM is gone, too.
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=scratch, env=environment
    )
    assert process.stdin is not None and process.stdout is not None
    last = ""
    try:
        with suppress(BrokenPipeError), process.stdin:  # it may have ended already, and says why
            process.stdin.write(json.dumps(job).encode())
        for line in process.stdout:
            text = line.decode(errors="replace").rstrip()
            if not text.startswith(PROGRESS):
                last = text or last
            elif heard is not None:
                heard(float(text.removeprefix(PROGRESS)))
        process.wait()
    except BaseException:  # Ctrl-C: Spark must not go on writing after this process has left
        process.terminate()
        process.stdout.read()
        process.wait()
        raise
    finally:
        process.stdout.close()
    if process.returncode != 0:
        said = scratch / "error.txt"
        lines = said.read_text(encoding="utf-8").splitlines() if said.exists() else [last] if last else []
        reason = lines[0] if lines else f"exit status {process.returncode}"
        raise EngineError(
            f"Spark failed: {reason}",
            "A cluster must see the data under the same paths as this machine; --engine duckdb needs no cluster.",
        )


def _adopt(written: Path, destination: Path) -> None:
    """Move Spark's part files, whose names hold a random id, to names that hold only their order; empty parts go."""
    written_parts = sorted(written.glob("part-*.parquet"))
    parts = [file for file in written_parts if Table(file).rows] or written_parts[:1]
    for number, file in enumerate(parts):
        file.rename(destination / f"part-{number:05d}.parquet")
