"""How long a pipeline's runs are kept; a file of its own, for trainings and monitoring share it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class KeepConfig(BaseModel):
    """What is kept of a pipeline's runs: a run that is beyond either bound goes, with all that can be made again from it.

    Whatever the bounds, a pipeline's last good run stays, and so do the runs of models that have an alias, are released, or are
    the newest of their family.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    runs: int = Field(default=5, ge=0)
    """The newest so many."""
    days: float = Field(default=30.0, ge=0)
    """None that is older."""
