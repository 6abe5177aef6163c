"""What a profile tells, and what it cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusionguard.errors import BundleError
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.distributions import number_reference
from fusionguard.monitoring.reference import Reference, profile_reference
from fusionguard.monitoring.sketch import read_sketch
from tests.monitoring.windows import churn_window, fraud_window


def percentiles(values: np.ndarray) -> np.ndarray:
    return np.quantile(values.astype(np.float64), np.linspace(0, 1, 101), method="inverted_cdf")


def test_a_plain_column_has_percentile_bins_and_ten_groups() -> None:
    values = np.random.default_rng(0).normal(size=5_001)
    reference = number_reference("x", percentiles(values))
    assert reference.edges.size == 102
    assert reference.resolution == 0
    assert reference.has_known_tails
    assert reference.grouped(reference.shares) == pytest.approx(np.full(10, 0.1))
    counts = np.bincount(reference.places(values), minlength=reference.shares.size)
    assert counts[0] == counts[-1] == 0
    assert counts / values.size == pytest.approx(reference.shares, abs=5e-4)


def test_zeros_have_a_bin_of_their_own() -> None:
    rng = np.random.default_rng(1)
    values = np.where(rng.random(10_000) < 0.362, 0.0, rng.normal(120_000, 30_000, 10_000))
    reference = number_reference("Balance", percentiles(values))
    place = int(reference.places(np.zeros(1))[0])
    assert reference.shares[place] == pytest.approx(np.mean(values == 0), abs=0.011)
    assert np.count_nonzero(reference.groups == reference.groups[place]) <= 3
    assert reference.resolution == pytest.approx(0.005)
    assert reference.shares.sum() == pytest.approx(1)


def test_flags_whole_numbers_and_constants_are_counted_by_value() -> None:
    rng = np.random.default_rng(2)
    for values in (rng.integers(0, 2, 5_000), rng.integers(0, 24, 5_000), np.full(5_000, 3), rng.integers(1, 5, 5_000)):
        reference = number_reference("x", percentiles(values))
        found = np.bincount(reference.places(values.astype(np.float64)), minlength=reference.shares.size) / values.size
        assert found == pytest.approx(reference.shares, abs=0.011)
        assert not reference.has_known_tails


def test_single_precision_profiles_meet_double_precision_values() -> None:
    values = np.where(np.arange(1_000) % 4 == 0, 9.99, np.random.default_rng(3).random(1_000) * 50)
    reference = number_reference("Amount", percentiles(values.astype(np.float32)))
    assert reference.is_single
    place = reference.places(np.array([9.99, np.nan, 1e300]))
    assert reference.shares[place[0]] == pytest.approx(0.25, abs=0.011)
    assert place[1] == reference.shares.size
    assert place[2] == reference.shares.size - 1


def test_a_profile_agrees_with_the_rows_it_was_made_of(
    fraud_reference: Reference, churn_reference: Reference, churn_profile_bundle: Bundle, tmp_path: Path
) -> None:
    told = profile_reference(churn_profile_bundle)
    for reference, rows in ((fraud_reference, fraud_window(20_000, 1)), (told, churn_window(8_000, 1))):
        counts = read_sketch(rows, reference, scratch=tmp_path).total
        for number in (*reference.numbers.values(), reference.probability):
            share = np.cumsum(counts.bins[number.name]) / counts.rows
            assert np.abs(share - np.cumsum(number.shares)).max() < 0.011, number.name
        for category in reference.categories.values():
            assert counts.categories[category.name][:-1] / counts.rows == pytest.approx(category.shares)
    assert set(told.categories) == {"Geography", "Gender"}
    assert told.numbers.keys() == churn_reference.numbers.keys()


def test_the_real_bundle_is_read_as_it_is(fraud_bundle: Bundle) -> None:
    before = fraud_bundle.sha256
    reference = profile_reference(fraud_bundle)
    assert len(reference.numbers) == 31
    assert reference.unjudged == {"hour_of_day"}, "two days of training do not show all hours alike"
    assert Bundle.open(fraud_bundle.folder).sha256 == before


def test_broken_profiles_are_refused(fraud_profile_bundle: Bundle, tmp_path: Path) -> None:
    profile = pq.read_table(fraud_profile_bundle.folder / "profile.parquet")
    lacking = profile.filter(pa.array([name != "V7" for name in profile["column"].to_pylist()]))
    facts = fraud_profile_bundle.manifest.model_dump(exclude={"files"})
    for name, write, words in (
        ("lacking", lambda path: pq.write_table(lacking, path), "lacks the percentiles of 'V7'"),
        ("garbage", lambda path: path.write_bytes(b"PAR1 no"), "cannot be read"),
        ("none", lambda path: path.with_name("other").write_bytes(b""), "has no profile.parquet"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        write(folder / "profile.parquet")
        bundle = Bundle.seal(folder, **facts)
        with pytest.raises(BundleError, match=words):
            profile_reference(bundle)
