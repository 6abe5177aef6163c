"""What happened before changes by itself: as much as earlier spans have shown is no finding, more is one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.table import Table
from fusionguard.families.family import ModelFamily
from fusionguard.families.training_rows import TrainingRows
from fusionguard.monitoring.counted import table_reference
from fusionguard.monitoring.drift import DriftReport, read_drift
from fusionguard.monitoring.earlier_spans import against_earlier_spans, largest
from fusionguard.monitoring.multivariate import classifier_test
from fusionguard.monitoring.reference import Reference
from fusionguard.monitoring.reference_rows import UNSEEN, fitted_rows, kept_share, whole_windows
from fusionguard.monitoring.sketch import read_sketch
from fusionguard.monitoring.traffic.drifts import simulated_family

COUNT, OWN, KEPT, SPAN = "terminal_count_7d", "distance_km", 6_000, 500


@pytest.fixture(scope="module")
def family() -> ModelFamily:
    return simulated_family("card_transactions")


def rows_of(family: ModelFamily, level: np.ndarray, seed: int) -> pa.Table:
    """Independent rows, but for a count that lies about ``level`` (n,)."""
    rng, features = np.random.default_rng(seed), family.features
    columns: dict[str, Any] = {
        name: rng.choice(features.known[name], level.size) if name in features.known else rng.normal(size=level.size)
        for name in features.model_features
    }
    columns[COUNT] = level + rng.normal(size=level.size)
    return pa.table({**columns, "probability": rng.random(level.size), "decision": ["accept"] * level.size})


def wandering(family: ModelFamily, folder: Path, *, share: float = 0.5) -> tuple[Table, Reference]:
    """Kept rows whose count has another level in each span of 500."""
    level = np.repeat(np.random.default_rng(4).normal(size=KEPT // SPAN), SPAN)
    rows = rows_of(family, level, 5).append_column(UNSEEN, pa.array([False] * KEPT))
    pq.write_table(rows.replace_schema_metadata({b"share": repr(share).encode()}), folder / "kept.parquet")
    kept = Table(folder / "kept.parquet")
    return kept, table_reference(fitted_rows(kept), family, scratch=folder)


@pytest.fixture(scope="module")
def references(family: ModelFamily, tmp_path_factory: pytest.TempPathFactory) -> tuple[Reference, Reference]:
    """The reference of kept rows, and what it is for windows of 1,000 rows."""
    folder = tmp_path_factory.mktemp("references")
    kept, plain = wandering(family, folder)
    return plain, against_earlier_spans(plain, kept, 1_000, scratch=folder)


def judged(rows: pa.Table, reference: Reference, folder: Path) -> DriftReport:
    return read_drift(read_sketch(rows, reference, scratch=folder, time=None), reference)


def test_the_largest_effect_counts_for_all_columns_of_an_entity() -> None:
    found = [
        ("psi", "a", 0.1),
        ("psi", "b", 0.3),
        ("psi", "c", 0.7),
        ("missing", "a", -0.02),
        ("missing", "b", 0.01),
        ("psi", "d", 9.0),
    ]
    findings: Any = [SimpleNamespace(kind=kind, subject=subject, effect=effect) for kind, subject, effect in found]
    usual = largest(findings, {"a": "card", "b": "card", "c": "shop"})
    assert usual == {("psi", "a"): 0.3, ("psi", "b"): 0.3, ("psi", "c"): 0.7, ("missing", "a"): 0.02, ("missing", "b"): 0.02}


def test_what_changes_by_itself_is_no_finding_and_what_changes_more_is_one(
    family: ModelFamily, references: tuple[Reference, Reference], tmp_path: Path
) -> None:
    plain, reference = references
    assert (
        reference.usual["psi", COUNT]
        == reference.usual["psi", "terminal_count_1d"]
        > 0.1
        > reference.usual["psi", "card_count_1d"]
    )
    calm = rows_of(family, np.full(1_000, 1.2), 6)
    assert judged(calm, plain, tmp_path).reading("psi", COUNT).level == "act"
    assert judged(calm, reference, tmp_path).findings == ()
    moved = judged(rows_of(family, np.full(1_000, 9.0), 7), reference, tmp_path)
    assert moved.reading("psi", COUNT).level == "act" and moved.reading("tail", COUNT).level == "none"
    assert {each.subject for each in moved.findings} == {COUNT}


def test_columns_of_rows_themselves_are_judged_as_ever(
    family: ModelFamily, references: tuple[Reference, Reference], tmp_path: Path
) -> None:
    _, reference = references
    rows = rows_of(family, np.zeros(1_000), 8)
    rows = rows.set_column(rows.column_names.index(OWN), OWN, pa.array(rows[OWN].to_numpy() + 1.5))
    found = {(each.kind, each.subject) for each in judged(rows, reference, tmp_path).columns if each.level == "act"}
    assert {("psi", OWN), ("tail", OWN)} <= found and not any(subject == COUNT for _, subject in found)
    assert not any(subject == OWN for _, subject in reference.usual)


def test_windows_that_are_too_long_for_earlier_spans_are_not_judged_by_the_past(family: ModelFamily, tmp_path: Path) -> None:
    kept, plain = wandering(family, tmp_path)
    assert COUNT not in against_earlier_spans(plain, kept, 3_000, scratch=tmp_path).unjudged, "two spans of 1,500 kept rows"
    for rows in (None, kept):
        reference = against_earlier_spans(plain, rows, 3_001, scratch=tmp_path)
        assert COUNT in reference.unjudged and OWN not in reference.unjudged
        report = judged(rows_of(family, np.full(1_000, 9.0), 7), reference, tmp_path)
        assert report.columns and not any(each.level != "none" for each in report.columns)
        assert any(remark.startswith("what happened before a row: shown and not judged") for remark in report.remarks)


def test_the_classifier_does_not_read_the_past(family: ModelFamily, tmp_path: Path) -> None:
    _, plain = wandering(family, tmp_path)
    sketch = read_sketch(rows_of(family, np.full(1_000, 9.0), 7), plain, scratch=tmp_path, time=None)
    found = classifier_test(sketch, plain)
    assert found.auc.value is not None and found.auc.value < 0.55
    assert not any(driver.column == COUNT for driver in found.drivers)


def test_rows_whose_longest_window_begins_before_the_table_are_no_reference(family: ModelFamily, tmp_path: Path) -> None:
    day = 86_400
    for days, first in ((100, 30), (59, 0)):
        pq.write_table(pa.table({"second": np.arange(days) * day + 7}), tmp_path / "rows.parquet")
        rows = TrainingRows(
            Table(tmp_path / "rows.parquet"), SimpleNamespace(definition=SimpleNamespace(time_column="second")), None
        )  # type: ignore[arg-type]
        assert whole_windows(rows, family).tolist() == list(range(first, days)), days


def test_how_many_rows_were_kept_is_told_with_them(family: ModelFamily, tmp_path: Path) -> None:
    kept, _ = wandering(family, tmp_path, share=0.25)
    assert kept_share(kept) == 0.25
    pq.write_table(pa.table({"x": [1]}), tmp_path / "old.parquet")
    assert kept_share(Table(tmp_path / "old.parquet")) == 1.0
