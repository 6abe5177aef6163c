"""One trial of a search, as it is shown when the search is over."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Trial(BaseModel):
    """Settings that were tried, and what they reached."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    """The model's name for people."""
    number: int
    """Its place in the search, from 1; the first has the configured settings."""
    state: Literal["complete", "pruned"]
    """``pruned`` where it was given up before the last fold."""
    value: float
    """The mean average precision over the tuning folds that it was judged on."""
    parameters: dict[str, float | int | str | bool | None]
    """Of the search's space alone."""
    began: datetime
    ended: datetime
