"""What an alert says."""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from fusionguard.files import json_text

Level = Literal["healthy", "watch", "act", "not judged"]
"""A window that could not be judged is no news, and clears no alarm."""


class Alert(BaseModel):
    """A verdict, made short enough for a chat.

    It names models, features and groups; it holds no row of the log, and so nobody's data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """The model's name, which is that of its data set where somebody has declared one."""
    model_version: str
    level: Level
    headline: str
    """One line."""
    details: tuple[str, ...] = ()
    """What was found, most important first."""
    advice: tuple[str, ...] = ()
    """What to do."""
    causes: tuple[str, ...] = ()
    """Names of what raised it, such as ``drift:V14``: two alerts with the same causes are one piece of news."""
    origin: str = ""
    """``simulated`` where the model or the traffic is."""
    page: str = ""
    """Where the page of the verdict is."""
    raised_at: AwareDatetime

    @property
    def key(self) -> str:
        """The piece of news this is: the same key is not told again for a while."""
        news = [self.model, self.model_version, self.level, sorted(self.causes)]
        return hashlib.sha256(json_text(news).encode()).hexdigest()[:16]

    @property
    def title(self) -> str:
        """The headline with the level and the model, and a warning where data are simulated."""
        simulated = " (SIMULATED)" if self.origin == "simulated" else ""
        return f"{self.level.upper()} {self.model}{simulated}: {self.headline}"
