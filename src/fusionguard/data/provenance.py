"""Where a table came from, carried from the source to the model card."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Origin = Literal["kaggle", "local", "simulated"]


class Provenance(BaseModel):
    """What is known about a raw table; ``origin='simulated'`` follows everything made from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    """The data set's name."""
    origin: Origin
    description: str
    """One line for people: the file's name, or the simulator's seed and rows. Never an absolute path."""
    sha256: str
    """SHA-256 of the raw file as it came."""
    rows: int
    negative_sampling_rate: float = Field(default=1.0, gt=0, le=1)
    """The share of legitimate rows the source kept; 1 where nothing was sampled."""
    sampling_declared: bool = False
    """Whether somebody has said so, rather than nobody having said anything."""
    file: str = ""
    """The raw file's name, beside which a declaration lies; empty where there is no file. Never its path."""

    @property
    def negative_weight(self) -> float:
        """How many real legitimate rows one legitimate row here stands for."""
        return 1.0 / self.negative_sampling_rate

    @property
    def simulated(self) -> bool:
        """Whether the rows were made by the simulator."""
        return self.origin == "simulated"
