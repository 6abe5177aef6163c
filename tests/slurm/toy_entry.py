"""The toy as a catalog entry; it imports no ZenML, as entries must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from fusionguard.home import Home
from pipelines.catalog import PipelineEntry


class SlurmToyConfig(BaseModel):
    """What the toy does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fail: str = ""
    """``domain``, ``disk``, ``fill``, ``bug`` or ``exit``."""
    marker: str = ""
    """A file that the step ``work`` makes; it holds the job's id."""
    wait_seconds: int = 0
    megabytes: int = 0
    rounds: int = 3
    round_seconds: float = 0.0
    journal: str = ""
    """A file that gets a line for each round done."""
    trials: int = 0
    """Of a study that the step ``work`` shares with its helpers."""
    trial_seconds: float = 0.5
    pair: bool = False
    """Two steps that do not need each other, ``work`` and ``work_too``, and a cheap one beside them, ``look_on``."""
    fail_too: str = ""
    """Like ``fail``, of the step ``work_too``; it fails only when ``work`` is at work, where that has a marker."""
    hold: str = ""
    """A file that the step itself waits for after its third trial, for 200 seconds at most; helpers do not."""


def arguments(config: SlurmToyConfig, home: Home) -> dict[str, Any]:
    """What to call the pipeline with."""
    return {"config": config}


ENTRY = PipelineEntry("slurmtoy", "tests", SlurmToyConfig, arguments, "tests.slurm.toy", folder=Path(__file__).resolve().parent)
