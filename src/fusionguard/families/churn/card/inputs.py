"""What a churn model's card is written from."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from fusionguard.data.provenance import Provenance
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.report import ChurnReport
from fusionguard.features.store import FeatureManifest


class ChurnCardInputs(BaseModel):
    """The facts of one run; each part may be given as the object itself or as its dictionary."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provenance: Provenance
    features: FeatureManifest
    plan: HoldoutPlan
    training: dict[str, Any] = {}
    """What training found, by its name for people: ``{"CatBoost's trees": 262}``. Numbers, words, or lists of them."""
    searched: tuple[str, ...] = ()
    """Where hyperparameters were searched for, a sentence for each model; ``config`` then holds what was found."""
    evaluation: ChurnReport
    importance: tuple[tuple[str, float], ...]
    """Features with their mean absolute contribution in log-odds, largest first."""
    refitted_rows: int | None = None
    """How many customers the delivered model was fitted on after the reading; null where it is the model that was read."""
    gate: GateVerdict | None = None
    config: ChurnConfig = ChurnConfig()
    versions: dict[str, str] = {}
    """Versions of the libraries that made the model."""
    bundle_sha256: str | None = None

    @property
    def simulated(self) -> bool:
        """Whether the customers were made by the simulator."""
        return self.evaluation.simulated or self.provenance.simulated
