"""Bundles that hold a profile and nothing else, and the references made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.families.churn.profile import reference_profile as churn_profile
from fusionguard.families.churn.rows import CustomerColumns, customer_rows
from fusionguard.families.fraud.profile import reference_profile as fraud_profile
from fusionguard.families.fraud.rows import Encoding
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.counted import as_reference
from fusionguard.monitoring.reference import Reference, profile_reference
from fusionguard.monitoring.sketch import read_sketch
from tests.monitoring.windows import REFERENCE_ROWS, churn_window, fraud_window


@pytest.fixture(scope="session")
def fraud_profile_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle of the profile that the fraud pipeline writes for ``fraud_window``, read in single precision as there."""
    rows = fraud_window(REFERENCE_ROWS, 1)
    probability = rows["probability"].to_numpy()
    ones = np.ones(REFERENCE_ROWS)
    profile = fraud_profile(Encoding.of().matrix(rows), ones, probability, ones, Encoding.of())
    return _sealed(tmp_path_factory.mktemp("fraud_profile"), "fraud", profile, (0, 20 * 86_400))


@pytest.fixture(scope="session")
def churn_profile_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle of the profile that the churn pipeline writes for ``churn_window``."""
    rows = churn_window(8_000, 1)
    return _sealed(
        tmp_path_factory.mktemp("churn_profile"),
        "churn",
        churn_profile(customer_rows(rows, CustomerColumns.of(CHURN_FEATURES)), rows["probability"].to_numpy()),
        None,
    )


def _sealed(folder: Path, model: str, profile: pa.Table, seconds: tuple[int, int] | None) -> Bundle:
    pq.write_table(profile, folder / "profile.parquet")
    return Bundle.seal(
        folder,
        model=model,
        origin="simulated",
        source_sha256="0" * 64,
        features_sha256="1" * 64,
        negative_sampling_rate=1.0,
        feature_schema_version=1,
        train_range_seconds=seconds,
        seed=7,
        config={},
    )


@pytest.fixture(scope="session")
def fraud_reference(fraud_profile_bundle: Bundle) -> Reference:
    """What the profile tells."""
    return profile_reference(fraud_profile_bundle, rows=REFERENCE_ROWS)


@pytest.fixture(scope="session")
def counted_fraud_reference(fraud_reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The same with the rows counted: segments, alert rate, sample."""
    rows = fraud_window(REFERENCE_ROWS, 1)
    return as_reference(fraud_reference, read_sketch(rows, fraud_reference, scratch=tmp_path_factory.mktemp("scratch")))


@pytest.fixture(scope="session")
def churn_reference(churn_profile_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The churn profile with the rows counted."""
    reference = profile_reference(churn_profile_bundle, rows=8_000)
    sketch = read_sketch(churn_window(8_000, 1), reference, scratch=tmp_path_factory.mktemp("scratch"))
    return as_reference(reference, sketch)
