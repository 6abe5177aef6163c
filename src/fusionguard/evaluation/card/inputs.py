"""What the card of a model of any family is written from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from fusionguard.config import TrainingConfig
from fusionguard.data.provenance import Provenance
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.evaluation.prequential.report import PrequentialReport
from fusionguard.evaluation.report import Report
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.features.store import FeatureManifest


class CardInputs(BaseModel):
    """The facts of one run; each part may be given as the object itself or as its dictionary."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provenance: Provenance
    features: FeatureManifest
    plan: SplitPlan | HoldoutPlan
    training: dict[str, Any] = {}
    """What training found, by its name for people: ``{"boosting rounds": 312}``. Numbers, words, or lists of them."""
    preset: str = ""
    """How settings that nobody gave follow from the table, in a sentence; empty where they are the defaults."""
    searched: tuple[str, ...] = ()
    """Where hyperparameters were searched for, a sentence for each model; ``config`` then holds what was found."""
    evaluation: Report
    prequential: PrequentialReport | None = None
    """What folds in time said, where the data set declares them."""
    importance: tuple[tuple[str, float], ...]
    """Features with their mean absolute contribution in log-odds, largest first."""
    refitted_rows: int | None = None
    """How many rows the delivered model was fitted on after the reading; null where it is the model that was read."""
    gate: GateVerdict | None = None
    config: TrainingConfig
    versions: dict[str, str] = {}
    """Versions of the libraries that made the model."""
    bundle_sha256: str | None = None

    @property
    def simulated(self) -> bool:
        """Whether the rows were made by the simulator."""
        return self.evaluation.simulated or self.provenance.simulated


class PageBeside(Protocol):
    """A page that a family writes beside the card."""

    @property
    def plots(self) -> Mapping[str, bytes]:
        """Its charts as PNG bytes by name."""

    def markdown(self, *, image_folder: str | None = None) -> str:
        """Write the page; ``image_folder`` is where its charts lie, relative to it."""
