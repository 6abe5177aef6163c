"""The toy as a catalog entry; it imports no ZenML, as entries must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from fusionguard.home import Home
from fusionguard.keep_config import KeepConfig
from pipelines.catalog import PipelineEntry


class ToyConfig(BaseModel):
    """What the toy does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int = 10
    fail: str = ""
    """``domain``, ``bug`` or ``disk``."""
    marker: str = ""
    """A file that the step ``work`` makes before it waits."""
    wait_seconds: float = 0.0
    registers: bool = False
    """Begin a run in MLflow before ``work``, as the step that registers a model does."""
    keep: KeepConfig = KeepConfig()


def arguments(config: ToyConfig, home: Home) -> dict[str, Any]:
    """What to call the pipeline with."""
    return {"config": config}


ENTRY = PipelineEntry("toy", "tests", ToyConfig, arguments, "tests.pipelines.toy", folder=Path(__file__).resolve().parent)
