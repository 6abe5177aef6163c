"""What the numbers were measured on, without saying where: no host name, no path, no user."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fusionguard.models.packages import XGBOOST

_LIBRARIES = (
    "zenml", "mlflow", "duckdb", "pyspark", XGBOOST, "torch", "lightgbm", "catboost", "shap", "fairlearn", "scikit-learn",
    "onnxruntime", "great-expectations", "pandas", "numpy", "pyarrow",
)  # fmt: skip


class Machine(BaseModel):
    """Cores, memory, and the software that matters."""

    model_config = ConfigDict(frozen=True)

    cores: int
    """Those that this process may use."""
    memory_gb: int
    system: str
    python: str
    libraries: dict[str, str]
    load: float
    """How many processes wanted a core in the minute before the first measurement; near 0 on an idle machine."""

    def sentences(self, besides: str = "") -> str:
        """Return what it is, for a document; ``besides`` is the software that matters there, Python is named anyway."""
        named = f"Python {self.python}{f', {besides}' if besides else ''}"
        machine = f"Machine: {self.cores} cores, {self.memory_gb} GB of memory, {self.system}, {named}."
        return f"{machine} Load before it began: {self.load:.1f}."


def describe_machine(libraries: Sequence[str] = _LIBRARIES) -> Machine:
    """Return what this machine is, with the versions of some libraries."""
    memory = next(line for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines() if line.startswith("MemTotal:"))
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(int(memory.split()[1]) / 2**20),
        system=f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {platform.machine()}",
        python=platform.python_version(),
        libraries={name: version(name) for name in libraries},
        load=round(os.getloadavg()[0], 1),
    )
