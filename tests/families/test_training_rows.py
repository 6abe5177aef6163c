"""The test slice of either kind of plan, as any model is read on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa

from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.evaluation.splits import plan_split
from fusionguard.families.fraud.config import FraudConfig
from fusionguard.families.training_rows import TrainingRows, as_known
from fusionguard.features.fraud import FRAUD_FEATURES
from tests.families.fraud.conftest import draw_features
from tests.registry.conftest import seal_bundle


def test_a_comparison_takes_the_test_slice_and_counts_sampled_rows_as_often_as_they_stand_for(tmp_path: Path) -> None:
    features = draw_features(tmp_path / "features.parquet", rows=2_000)
    plan = plan_split(planned_rows(features, FRAUD_FEATURES), FraudConfig().split)
    manifest: Any = SimpleNamespace(negative_weight=12.5, definition=FRAUD_FEATURES)
    seen: list[pa.Table] = []

    class Model:
        bundle = seal_bundle(tmp_path / "bundle", "{}")

        def answer_features(self, rows: pa.Table) -> pa.Table:
            seen.append(rows)
            amount = rows["Amount"].to_numpy()
            return pa.table({"score": amount, "probability": 1 / (1 + amount)})

    rows = TrainingRows(features, manifest, plan)
    read = rows.compared(Model())  # type: ignore[arg-type]
    whole = features.read(["Amount", "Class"], plan.test.start, plan.test.stop)
    assert seen[0].column_names == [*FRAUD_FEATURES.model_features, "Class"]
    assert np.array_equal(read.label, whole["Class"].to_numpy()) and 0 < read.label.sum() < read.label.size
    assert np.array_equal(read.weight, np.where(read.label == 1, 1.0, 12.5))
    assert np.array_equal(read.score, whole["Amount"].to_numpy())
    assert np.array_equal(read.probability, 1 / (1 + read.score))
    assert read.owner is None
    assert plan.unseen_places(features).size == 0


def test_a_comparison_knows_whose_rows_are(tmp_path: Path) -> None:
    features = draw_features(tmp_path / "features.parquet", rows=2_000)
    definition = replace(FRAUD_FEATURES, group_column=FRAUD_FEATURES.time_column)  # no owner, but no feature either
    plan = plan_split(planned_rows(features, FRAUD_FEATURES), FraudConfig().split)
    manifest: Any = SimpleNamespace(negative_weight=1.0, definition=definition)
    model: Any = SimpleNamespace(
        bundle=seal_bundle(tmp_path / "bundle", "{}"),
        answer_features=lambda rows: pa.table({"score": rows["V3"].to_numpy(), "probability": np.full(rows.num_rows, 0.25)}),
    )
    read = TrainingRows(features, manifest, plan).compared(model)
    name = str(FRAUD_FEATURES.time_column)
    expected = features.read([name], plan.test.start, plan.test.stop)[name].to_numpy().astype(np.int64)
    assert read.owner is not None and np.array_equal(read.owner, expected)


def test_a_model_of_other_rows_reads_categories_in_its_own_words() -> None:
    known = {"mcc": ("5411", "(other)"), "country": ("GB", "FR", "(other)")}
    features: Any = SimpleNamespace(open_texts={"mcc", "country"}, gathered={"mcc"}, known=known)
    rows = pa.table({"country": ["DE", None, "FR"], "amount": [3.5, 1.0, 2.0], "mcc": ["6051", "5411", None]})
    read = as_known(rows, features)
    assert read.to_pydict() == {"country": [None, None, "FR"], "amount": [3.5, 1.0, 2.0], "mcc": ["(other)", "5411", None]}
