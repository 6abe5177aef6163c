"""What a model card is written from."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from fusionguard.data.provenance import Provenance
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.config import FraudConfig
from fusionguard.families.fraud.report import EvaluationReport
from fusionguard.features.store import FeatureManifest


class CardInputs(BaseModel):
    """The facts of one run; each part may be given as the object itself or as its dictionary."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provenance: Provenance
    features: FeatureManifest
    split: SplitPlan
    uses_autoencoder: bool
    """Whether the model's scores come from trees and an autoencoder, or from trees alone."""
    training: dict[str, Any] = {}
    """What training found, by its name for people: ``{"boosting rounds": 312}``. Numbers, words, or lists of them."""
    searched: tuple[str, ...] = ()
    """Where hyperparameters were searched for, a sentence for each model; ``config`` then holds what was found."""
    evaluation: EvaluationReport
    importance: tuple[tuple[str, float], ...]
    """Features with their mean absolute contribution in log-odds, largest first."""
    refitted_rows: int | None = None
    """How many rows the delivered trees were fitted on after the reading; null where it is the model that was read."""
    gate: GateVerdict | None = None
    config: FraudConfig = FraudConfig()
    versions: dict[str, str] = {}
    """Versions of the libraries that made the model."""
    bundle_sha256: str | None = None

    @property
    def time_span_days(self) -> float:
        """How much time the data spans, from its first to its last transaction."""
        return (self.split.test.last_second - self.split.train.first_second + 1) / 86_400
