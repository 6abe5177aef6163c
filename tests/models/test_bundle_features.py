"""A bundle holds the SQL of its features; the service runs that, and refuses one that means something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fusionguard.errors import BundleError
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.features.maker import FeatureMaker
from fusionguard.models.bundle import Bundle
from fusionguard.models.bundle_features import FEATURES, read_features, write_features

CUSTOMER = [650, 39, 5, 50_500.0, 1, 1, 1, 100_000.0, "France", "Female"]


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    folder = tmp_path / "bundle"
    folder.mkdir()
    write_features(folder, CHURN_FEATURES)
    return Bundle(folder)


def _change(bundle: Bundle, old: str, new: str) -> None:
    content = json.loads((bundle.folder / FEATURES).read_text())
    assert old in content["rows_sql"]
    content["rows_sql"] = content["rows_sql"].replace(old, new)
    (bundle.folder / FEATURES).write_text(json.dumps(content))


def test_the_bundles_own_text_is_what_runs(bundle: Bundle) -> None:
    _change(bundle, "SELECT", "-- of another day\nSELECT")
    found = read_features(bundle, CHURN_FEATURES)
    assert "-- of another day" in found.rows_text
    assert FeatureMaker(found).one(CUSTOMER) == [650, 39, 5, 50500.0, 1, 1, 1, 100000.0, 1, 0.5, 5 / 39, "France", "Female"]


def test_what_no_model_reads_may_differ(bundle: Bundle) -> None:
    _change(bundle, "WHEN Age < 60 THEN 3", "WHEN Age < 65 THEN 3")
    read_features(bundle, CHURN_FEATURES)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(EstimatedSalary + 1e3)", "(EstimatedSalary + 1e2)"),
        ("AS balance_to_salary", "AS balance_by_salary"),
        ("Balance + 0e0 AS Balance", "ROUND(Balance) AS Balance"),
        ("FROM raw", "FROM raw; DROP TABLE raw"),
    ],
)
def test_another_meaning_is_refused(bundle: Bundle, old: str, new: str) -> None:
    _change(bundle, old, new)
    with pytest.raises(BundleError, match="made for other features than this version builds"):
        read_features(bundle, CHURN_FEATURES)


@pytest.mark.parametrize("content", [[], {"rows_sql": 3}, {"columns": [], "schema_version": 1}, None])
def test_other_content_is_refused(bundle: Bundle, content: object) -> None:
    (bundle.folder / FEATURES).write_text(json.dumps(content))
    with pytest.raises(BundleError, match="made for other features"):
        read_features(bundle, CHURN_FEATURES)


def test_a_bundle_of_an_earlier_version_has_this_versions_text(bundle: Bundle) -> None:
    content = json.loads((bundle.folder / FEATURES).read_text())
    del content["rows_sql"]
    (bundle.folder / FEATURES).write_text(json.dumps(content))
    assert read_features(bundle, CHURN_FEATURES) == CHURN_FEATURES
