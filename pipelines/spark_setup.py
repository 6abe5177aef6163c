"""Spark is large, so it is installed by the first run that wants it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel

from fusionguard.datasets.reading import parse_declaration

_CHECKOUT = Path(__file__).resolve().parent.parent


def wants_spark(config: BaseModel) -> bool:
    """Return whether a pipeline's settings ask for Spark, under ``engine`` or ``data.engine``."""
    return "spark" in (getattr(config, "engine", None), getattr(getattr(config, "data", None), "engine", None))


def windows_engine(declaration: str, own_sql: str, engine: str) -> str:
    """Return the engine that finds what a declaration's windows remember; where there are none, all are one to the cache."""
    return engine if parse_declaration(declaration, sql=own_sql or None).declaration.windows else "duckdb"


def bring_spark() -> None:
    """Install PySpark into the environment that `make` made and this process runs in; what it says goes to standard error.

    Where it runs in another one, nothing is done: the engine then says what is missing, as it does of Java.
    """
    if find_spec("pyspark") is not None or not Path(sys.prefix, ".ready").exists():
        return
    sys.stderr.write("Spark is not installed yet: fetching it (about 0.5 GB), this once\n")
    sys.stderr.flush()
    command = [sys.executable, str(_CHECKOUT / "install.py"), "--venv", sys.prefix, "--group", "spark"]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    importlib.invalidate_caches()
