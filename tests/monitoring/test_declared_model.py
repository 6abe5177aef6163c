"""A trained model of a declared data set: what its training keeps, its profile, and what outcomes show of its answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from fusionguard.data.table import Table
from fusionguard.families.of_bundle import family_of
from fusionguard.families.training_rows import TrainingRows
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.drift import read_drift
from fusionguard.monitoring.outcomes import read_outcomes
from fusionguard.monitoring.reference import profile_reference
from fusionguard.monitoring.reference_rows import kept_reference, reference_rows
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.sketch import read_sketch
from fusionguard.monitoring.verdict import decide
from tests.monitoring.declared import logged_window
from tests.telco import DeclaredModel


def test_its_own_rows_are_like_the_reference_and_their_outcomes_are_read(telco_model: DeclaredModel, tmp_path: Path) -> None:
    family, model = family_of(telco_model.bundle), family_of(telco_model.bundle).load(telco_model.bundle)
    built = telco_model.features
    kept = reference_rows(model, TrainingRows(built.table, built.manifest, telco_model.plan), seed=7)
    pq.write_table(kept, tmp_path / "reference.parquet")
    reference = kept_reference(telco_model.bundle, Table(tmp_path / "reference.parquet"), scratch=tmp_path, seed=7)
    assert reference.numbers["Calls_to_support"].missing == pytest.approx(0.06, abs=0.02)

    features = built.table.read([*family.features.model_features, family.features.label])
    features = features.take(pa.array(np.random.default_rng(3).permutation(features.num_rows)[:500]))
    answers, label = model.answer_features(features), features[family.features.label].to_numpy().astype(np.int8)
    rows = features.drop_columns(family.features.label)
    for name in ("score", "probability", "decision"):
        rows = rows.append_column(name, answers[name])
    rows = logged_window(rows).append_column("label", pa.array(label))
    rows = rows.append_column("label_observed_at", rows["time"])
    pq.write_table(rows, tmp_path / "window.parquet")
    window = Table(tmp_path / "window.parquet")

    drift = read_drift(read_sketch(window, reference, scratch=tmp_path), reference)
    champion = Champion(telco_model.bundle, tmp_path / "nothing")
    measured = read_outcomes(window, model, champion, MonitoringConfig(model="telco"))
    assert (measured.coverage.labelled, measured.coverage.positives) == (500, int(label.sum()))
    auc = roc_auc_score(label, answers["score"].to_numpy())
    assert measured.metrics["roc_auc"].value == pytest.approx(auc)
    assert [each for each in drift.columns if each.level != "none"] == []
    assert decide(drift).state in ("healthy", "watch"), "rows that it was fitted on have surer scores"


def test_a_profile_does_not_say_how_much_is_missing_and_that_is_remarked(telco_model: DeclaredModel, tmp_path: Path) -> None:
    reference = profile_reference(telco_model.bundle, rows=1_000)
    assert np.isnan(reference.numbers["Calls_to_support"].missing) and reference.numbers["Monthly_Charges"].missing == 0
    assert set(reference.categories) == {"Contract", "Payment_Method", "Region"}
