"""The bias report against counts worked out in numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.data.provenance import Provenance
from fusionguard.data.table import Table
from fusionguard.datasets.catalog import find_dataset
from fusionguard.datasets.described import read_described
from fusionguard.features.bias import EMPTY, BiasReport, bias_report
from fusionguard.features.store import FeatureSet, build_features
from fusionguard.proportions import wilson_interval
from tests.foreign import write_payments

from .conftest import MakeRaw


@pytest.fixture
def features(make_raw: MakeRaw, provenance: Provenance, tmp_path_factory: pytest.TempPathFactory) -> FeatureSet:
    sampled = provenance.model_copy(update={"negative_sampling_rate": 0.1})
    return build_features(make_raw(20_000), sampled, "duckdb", tmp_path_factory.mktemp("store"))


def test_segments_are_partitions_weighted_to_the_real_prior(features: FeatureSet) -> None:
    report = bias_report(features.table, features.manifest)
    table = {name: column.to_numpy() for name, column in zip(features.table.columns, features.table.read().columns, strict=True)}
    label = table["Class"]
    population = label.sum() + 10 * (1 - label).sum()
    assert report.class_balance.positive_rows == label.sum()
    assert report.class_balance.label_rate == pytest.approx(label.sum() / population)
    assert list(report.segments) == ["amount", "hour of day", "day"]
    for parts in report.segments.values():
        assert sum(part.rows for part in parts) == report.rows == len(label)
        assert sum(part.positives for part in parts) == label.sum()
        assert sum(part.share for part in parts) == pytest.approx(1)
    night = report.segments["hour of day"][3]
    rows = label[table["hour_of_day"] == 3]
    assert (night.name, night.rows, night.positives) == ("03", len(rows), rows.sum())
    assert night.label_rate == pytest.approx(rows.sum() / (rows.sum() + 10 * (1 - rows).sum()))
    cheap = report.segments["amount"][1]
    assert (cheap.name, cheap.rows) == ("1 to under 10", ((table["Amount"] >= 1) & (table["Amount"] < 10)).sum())
    assert [part.name for part in report.segments["day"]] == ["0", "1"]


def test_intervals_hold_the_rate_and_empty_segments_have_none(features: FeatureSet) -> None:
    rows = features.table.read()
    kept = rows.filter(np.asarray(rows["hour_of_day"]) != 5)
    pq.write_table(kept, features.table.files[0])
    report = bias_report(Table(features.table.path), features.manifest)
    empty = report.segments["hour of day"][5]
    assert (empty.rows, empty.label_rate, empty.label_rate_low, empty.label_rate_high) == (0, None, None, None)
    assert "hour of day 05: no rows, so nothing is known about it." in report.findings
    for part in report.segments["amount"]:
        assert part.label_rate is not None and part.label_rate_low is not None and part.label_rate_high is not None
        assert 0 <= part.label_rate_low <= part.label_rate <= part.label_rate_high <= 1


def test_a_segment_of_many_frauds_and_an_empty_cell_are_findings(features: FeatureSet) -> None:
    rows = features.table.read()
    label = np.where(np.asarray(rows["hour_of_day"]) == 2, 1, np.asarray(rows["Class"])).astype(np.int32)
    rows = rows.set_column(rows.schema.get_field_index("Class"), "Class", pa.array(label))
    rows = rows.set_column(1, "V1", pa.array([None, *rows["V1"].to_pylist()[1:]], pa.float64()))
    pq.write_table(rows, features.table.files[0])
    report = bias_report(Table(features.table.path), features.manifest)
    assert report.missing_share["V1"] == pytest.approx(1 / len(rows))
    assert report.missing_share["V2"] == 0
    assert any(finding.startswith("Column V1: 0.01% of cells") for finding in report.findings)
    assert any(finding.startswith("hour of day 02: 100.000%") for finding in report.findings)


def test_the_report_survives_json_and_carries_the_origin(features: FeatureSet) -> None:
    report = bias_report(features.table, features.manifest)
    assert report.origin == "simulated"
    assert BiasReport.model_validate_json(report.to_json()) == report


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.27753),
        (10, 10, 0.72247, 1.0),
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_as_published(successes: int, trials: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3; the first two from the closed form z2/(n+z2)."""
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=6e-5)


def test_rows_without_a_category_are_the_last_segment(tmp_path: Path) -> None:
    declared = find_dataset(str(write_payments(tmp_path, 700, timed=False)))
    raw, described = read_described(declared, "auto", tmp_path / "read", rows=0, seed=1, earliest=1.0)
    built = build_features(raw.table, raw.provenance, "duckdb", tmp_path / "store", described)
    parts = bias_report(built.table, built.manifest).segments["country of the merchant"]
    given = pd.read_csv(tmp_path / "rows.csv")
    empty = given["country"].isna()
    assert (parts[-1].name, parts[-1].rows) == (EMPTY, empty.sum()) and 30 < empty.sum() < 150
    assert parts[-1].positives == (given["chargeback"][empty] == "Y").sum()
    assert {part.name: part.rows for part in parts[:-1]} == {"(other)": 0, **given["country"].value_counts().to_dict()}


def test_a_protected_number_that_no_model_reads_is_reported_by_its_bands(tmp_path: Path) -> None:
    file = write_payments(tmp_path, 700, timed=False)
    given = pd.read_csv(tmp_path / "rows.csv")
    given["alter"] = [str(20 + number % 50) if number % 7 else "" for number in range(700)]
    given.to_csv(tmp_path / "rows.csv", index=False)
    text = file.read_text(encoding="utf-8").replace("bands:\n", "bands:\n  ages: {column: alter, edges: [30, 60]}\n")
    file.write_text(text.replace("protected: [", "protected: [alter, ages, "), encoding="utf-8")
    raw, described = read_described(find_dataset(str(file)), "auto", tmp_path / "read", rows=0, seed=1, earliest=1.0)
    built = build_features(raw.table, raw.provenance, "duckdb", tmp_path / "store", described)
    segments = bias_report(built.table, built.manifest).segments
    age, fraud = pd.to_numeric(given["alter"]), given["chargeback"] == "Y"
    cuts = {"under 30": age < 30, "30 to under 60": (age >= 30) & (age < 60), "60 and more": age >= 60, EMPTY: age.isna()}
    found = [(part.name, part.rows, part.positives) for part in segments["ages"]]
    assert found == [(name, rows.sum(), fraud[rows].sum()) for name, rows in cuts.items()] and cuts[EMPTY].sum() == 100
    assert "alter" not in segments and "ages" in [cut.name for cut in built.manifest.definition.attributes]
