"""What a training settles on: its settings, and what a search for better ones found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from fusionguard.config import PipelineConfig, TuningConfig
from fusionguard.models.tuning.trial import Trial

Part = TypeVar("Part", bound=BaseModel)


class TrainingSettings(BaseModel):
    """What the models of a training are trained with, and what the search for it found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: dict[str, dict[str, Any]]
    """The settings of each model, by the name that they have in the settings of the training."""
    preset: str = ""
    """How settings that nobody gave follow from the table, in a sentence; empty where they are the defaults."""
    searched: tuple[str, ...] = ()
    """One sentence for each model that was tuned."""
    tried: tuple[Trial, ...] = ()
    """The trials of all searches, one search after the other."""

    @classmethod
    def of(
        cls, *, preset: str = "", searched: Sequence[str] = (), tried: Sequence[Trial] = (), **parts: BaseModel
    ) -> TrainingSettings:
        """Return the settings of some models, each under the name that it has in those of the training."""
        dumped = {name: part.model_dump(mode="json") for name, part in parts.items()}
        return cls(parts=dumped, preset=preset, searched=tuple(searched), tried=tuple(tried))

    def part(self, name: str, kind: type[Part]) -> Part:
        """Return the settings of one model; :meth:`has` tells whether it is trained."""
        return kind.model_validate(self.parts[name])

    def has(self, name: str) -> bool:
        """Whether a model is trained at all: one that takes too long on many rows may not be."""
        return name in self.parts

    def settle(self, config: PipelineConfig) -> PipelineConfig:
        """Return ``config`` with these settings in place of those that a search began with: what trains the same model again."""
        settled: dict[str, Any] = {name: self.part(name, type(getattr(config, name))) for name in self.parts}
        return config.model_copy(update=settled | {"tuning": TuningConfig()})
