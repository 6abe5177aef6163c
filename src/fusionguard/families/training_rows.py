"""The rows of a training, and how any model is read on those that are held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fusionguard.data.table import Table
from fusionguard.datasets.prepared_names import OTHER
from fusionguard.evaluation.comparison import ComparedRows
from fusionguard.evaluation.holdout import HoldoutPlan
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.of_bundle import family_of
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
        group = self.definition.group_column
        columns = [*self.definition.model_features, *([] if group is None else [group])]
        rows = self.plan.read_test(self.features, columns, self.definition.label)
        label = rows[self.definition.label].to_numpy().astype(np.int8)
        answer = model.answer_features(as_known(rows, family_of(model.bundle).features))
        weight = np.where(label == 0, self.manifest.negative_weight, 1.0)
        owner = None if group is None else rows[group].to_numpy().astype(np.int64)
        return ComparedRows(label, weight, answer["score"].to_numpy(), answer["probability"].to_numpy(), owner)


def as_known(rows: pa.Table, features: FeatureDefinition) -> pa.Table:
    """Return rows in the categories of a model that was made of other rows of its data set.

    What it has not known is the same to it as all else that it has not known: ``(other)``, or nothing where it knows no others.
    """
    for name in sorted(features.open_texts & {*rows.column_names}):
        known, column = pa.array(features.known[name], pa.string()), rows[name].combine_chunks()
        other = pa.scalar(OTHER if name in features.gathered else None, pa.string())
        kept = pc.if_else(pc.or_(pc.is_in(column, known), pc.is_null(column)), column, other)
        rows = rows.set_column(rows.column_names.index(name), name, kept)
    return rows
