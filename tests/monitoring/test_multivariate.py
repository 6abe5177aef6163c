"""The classifier test sees what no single column shows, names it, and stays quiet without drift."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusionguard.monitoring.drift import read_drift
from fusionguard.monitoring.multivariate import classifier_test
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.sketch import read_sketch
from tests.monitoring.windows import churn_window, fraud_window


def go_together(columns: dict[str, Any], rng: np.random.Generator) -> None:
    """Order V2 as V1 is, so that each keeps its distribution."""
    rank = np.argsort(np.argsort(columns["V1"] + 0.5 * rng.normal(size=columns["V1"].size)))
    columns["V2"] = np.sort(columns["V2"])[rank]


@pytest.fixture(scope="module")
def small_reference(counted_fraud_reference: Reference) -> Reference:
    assert counted_fraud_reference.sample is not None
    return replace(counted_fraud_reference, sample=counted_fraud_reference.sample.slice(0, 2_000))


def test_a_changed_dependence_is_caught_and_its_columns_named(small_reference: Reference, tmp_path: Path) -> None:
    sketch = read_sketch(fraud_window(2_000, 31, change=go_together), small_reference, scratch=tmp_path)
    assert read_drift(sketch, small_reference).findings == (), "no column by itself has drifted"
    read = classifier_test(sketch, small_reference)
    assert read.finding is not None
    assert read.finding.level == "act"
    assert {driver.column for driver in read.drivers[:2]} == {"V1", "V2"}
    assert read.auc.low is not None and read.auc.low > 0.6
    assert sum(driver.share for driver in read.drivers) == pytest.approx(1)
    assert classifier_test(sketch, small_reference) == read, "the same rows and seed, the same reading"


@pytest.mark.full
def test_windows_without_drift_are_not_told_apart(small_reference: Reference, churn_reference: Reference, tmp_path: Path) -> None:
    chances = []
    for seed in range(8):
        reference, draw = ((small_reference, fraud_window), (churn_reference, churn_window))[seed % 2]
        reference = replace(reference, sample=reference.sample.slice(0, 800))  # type: ignore[union-attr]
        read = classifier_test(read_sketch(draw(500, 2_000 + seed), reference, scratch=tmp_path), reference)
        assert read.finding is not None
        assert read.finding.level == "none"
        chances.append(read.finding.chance)
    assert min(chances) > 0.001
    assert np.mean(np.array(chances) < 0.2) < 0.6


def test_categories_and_gaps_are_read(churn_reference: Reference, tmp_path: Path) -> None:
    def emigrate(columns: dict[str, Any], rng: np.random.Generator) -> None:
        columns["Geography"] = np.where(rng.random(columns["Age"].size) < 0.5, "Portugal", columns["Geography"])

    reference = replace(churn_reference, sample=churn_reference.sample.slice(0, 1_000))  # type: ignore[union-attr]
    read = classifier_test(read_sketch(churn_window(600, 33, change=emigrate), reference, scratch=tmp_path), reference)
    assert read.drivers[0].column == "Geography"
    assert read.finding is not None and read.finding.level == "act"


def test_without_rows_to_compare_with_it_says_so(fraud_reference: Reference, small_reference: Reference, tmp_path: Path) -> None:
    sketch = read_sketch(fraud_window(400, 34), fraud_reference, scratch=tmp_path)
    assert "without rows" in (classifier_test(sketch, fraud_reference).auc.reason or "")
    few = read_sketch(fraud_window(100, 35), fraud_reference, scratch=tmp_path)
    assert classifier_test(few, small_reference).auc.reason == "fewer than 200 rows"
