"""The rows of a training, and how any model is read on those that are held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from fusionguard.data.table import Table
from fusionguard.evaluation.comparison import ComparedRows
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.features.definition import FeatureDefinition
from fusionguard.features.store import FeatureManifest

Plan = SplitPlan | HoldoutPlan
"""What rows are used for: slices in order of time, or a test slice and folds where there is no time."""


@dataclass(frozen=True)
class TrainingRows:
    """The feature table of a training, what it is made of, and what its rows are used for."""

    features: Table
    manifest: FeatureManifest
    plan: Plan

    @property
    def definition(self) -> FeatureDefinition:
        """What the columns are."""
        return self.manifest.definition

    def read_test(self) -> pa.Table:
        """Read the test slice: model features and label, in the order of the table."""
        return self.plan.read_test(self.features, self.definition.model_features, self.definition.label)

    def compared(self, model: ScoringModel) -> ComparedRows:
        """Score the test slice for a comparison of two models; rows of label 0 stand for as many as the sampling left out."""
        rows = self.read_test()
        label = rows[self.definition.label].to_numpy().astype(np.int8)
        answer = model.answer_features(rows)
        weight = np.where(label == 0, self.manifest.negative_weight, 1.0)
        return ComparedRows(label, weight, answer["score"].to_numpy(), answer["probability"].to_numpy())
