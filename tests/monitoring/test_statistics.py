"""Each statistic against a reference implementation, a published example, or its distribution without drift."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fusionguard.monitoring import statistics
from fusionguard.monitoring.findings import holm
from fusionguard.monitoring.multivariate import hanley_mcneil_error
from fusionguard.proportions import difference_interval


def test_psi_of_a_published_example() -> None:
    """Income bands in GeeksforGeeks' "Population Stability Index (PSI)": the three terms, by hand, are those of the formula."""
    terms = [0.006677, 0.009116, 0.028768]
    assert statistics.psi(np.array([0.4, 0.3, 0.3]), np.array([35, 25, 40])) == pytest.approx(sum(terms), abs=1e-6)


def test_psi_is_the_symmetric_divergence() -> None:
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(10)), rng.dirichlet(np.ones(10))
    assert statistics.psi(p, 1e6 * q) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p))


def test_psi_of_shifted_normals_approaches_the_squared_shift() -> None:
    """Jeffreys' divergence of N(0, 1) and N(d, 1) is d squared; bins can only lose some of it."""
    edges = stats.norm.ppf(np.linspace(0, 1, 201))
    assert statistics.psi(np.full(200, 1 / 200), np.diff(stats.norm.cdf(edges, 0.3))) == pytest.approx(0.09, rel=0.02)


def test_psi_smooths_empty_bins_and_is_infinite_without() -> None:
    half = np.array([0.5, 0.5])
    assert statistics.psi(half, np.array([100, 0])) == np.inf
    p, q = np.array([30.5, 70.5]) / 101, np.array([60.5, 0.5]) / 61
    assert statistics.psi(np.array([0.3, 0.7]), np.array([60, 0]), rows=100) == pytest.approx(
        float(np.sum((q - p) * np.log(q / p)))
    )
    assert statistics.psi(np.array([0.5, 0.5, 0.0]), np.array([90, 0, 10])) == np.inf
    assert statistics.psi(np.array([0.6, 0.4, 0.0]), np.array([90, 60, 10])) == np.inf


def test_a_bin_that_neither_side_has_does_not_count() -> None:
    value = statistics.psi(np.array([0.3, 0.0, 0.7]), np.array([40, 0, 60]))
    assert value == pytest.approx(statistics.psi(np.array([0.3, 0.7]), np.array([40, 60])))


def test_psi_without_drift_has_the_stated_mean_and_tail() -> None:
    rng = np.random.default_rng(1)
    shares, n, m = np.full(10, 0.1), 400, 2_000
    pairs = zip(rng.multinomial(m, shares, 3_000), rng.multinomial(n, shares, 3_000), strict=True)
    values = np.array([statistics.psi(reference / m, window, rows=m) for reference, window in pairs])
    assert values.mean() == pytest.approx(statistics.psi_expectation(10, n, m), rel=0.05)
    chances = np.array([statistics.psi_chance(value, 10, n, m) for value in values])
    assert (chances < 0.05).mean() == pytest.approx(0.05, abs=0.015)
    assert (chances < 0.01).mean() < 0.02


def test_ks_chance_is_scipys() -> None:
    rng = np.random.default_rng(2)
    for shift, n, m in ((0.0, 300, 700), (0.1, 300, 700), (0.3, 900, 400), (0.0, 50, 80)):
        found = stats.ks_2samp(rng.normal(shift, 1, n), rng.normal(0, 1, m), method="asymp")
        assert statistics.ks_chance(found.statistic, n, m) == pytest.approx(found.pvalue, rel=0.05)


@pytest.mark.parametrize(
    "rows, distance, level",
    [(20, 0.29408, 0.05), (20, 0.35241, 0.01), (40, 0.21012, 0.05), (40, 0.25205, 0.01), (100, 0.13403, 0.05)],
)
def test_ks_chance_is_that_of_the_published_table(rows: int, distance: float, level: float) -> None:
    """Miller, "Table of percentage points of Kolmogorov statistics", JASA 51, 1956: one sample, here of an endless reference."""
    assert statistics.ks_chance(distance, rows, 1e12) == pytest.approx(level, rel=0.03)


def test_ks_distance_is_scipys_where_each_reference_value_has_a_bin() -> None:
    rng = np.random.default_rng(3)
    reference, window = rng.integers(0, 30, 500), rng.integers(2, 33, 400)
    bins = np.arange(34)
    distance = statistics.ks_distance(np.bincount(reference, minlength=34) / 500, np.bincount(window, minlength=bins.size))
    assert distance == pytest.approx(stats.ks_2samp(window, reference).statistic)


@pytest.mark.parametrize(
    "first, second", [([20, 30, 50], [40, 30, 30]), ([5, 0, 95], [7, 0, 80]), ([5, 1, 94], [7, 0, 80]), ([1, 2], [3, 4])]
)
def test_chi_square_is_scipys(first: list[int], second: list[int]) -> None:
    table = np.array([first, second])
    expected = stats.chi2_contingency(table[:, table.sum(axis=0) > 0], correction=False).pvalue
    assert statistics.chi_square_chance(np.array(first), np.array(second)) == pytest.approx(expected)


def test_chi_square_without_two_columns_or_two_rows_finds_nothing() -> None:
    assert statistics.chi_square_chance(np.array([5, 0]), np.array([9, 0])) == 1.0
    assert statistics.chi_square_chance(np.array([0, 0]), np.array([9, 1])) == 1.0


def test_proportions_are_compared_exactly_where_they_are_rare() -> None:
    many = stats.chi2_contingency([[30, 70], [100, 900]], correction=False).pvalue
    assert statistics.proportions_chance(30, 100, 100, 1_000) == pytest.approx(many)
    share = 100 / 1_100
    rare = 2 * stats.binomtest(4, 6, share, alternative="greater").pvalue
    assert statistics.proportions_chance(4, 100, 2, 1_000) == pytest.approx(rare)
    assert statistics.proportions_chance(96, 100, 998, 1_000) == pytest.approx(rare)
    assert rare >= stats.fisher_exact([[4, 96], [2, 998]]).pvalue
    assert statistics.proportions_chance(0, 100, 3, 1_000) == 1.0
    assert statistics.proportions_chance(0, 0, 1, 10) == 1.0
    assert statistics.proportions_chance(0, 0, 9, 10) == 1.0
    assert statistics.proportions_chance(0, 0, 0, 0) == 1.0


def test_one_row_is_a_proportion_too_and_halves_are_counted_by_their_hits() -> None:
    assert statistics.proportions_chance(1, 1, 1, 1_000) == pytest.approx(2 * stats.binomtest(1, 2, 1 / 1_001, "greater").pvalue)
    assert statistics.proportions_chance(0, 400, 1, 1) == pytest.approx(2 / 401)
    assert statistics.proportions_chance(3, 4, 4, 10) == pytest.approx(2 * stats.binomtest(3, 7, 2 / 7, "greater").pvalue)


def test_difference_interval_is_newcombes_example() -> None:
    """Newcombe 1998, table II, comparison (a), method 10: 56/70 less 48/80."""
    assert difference_interval(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_rows_that_come_in_groups_count_as_groups() -> None:
    """A design effect of 2.5 makes 75 of 250 rows 30 of 100."""
    plain = statistics.proportions_chance(30, 100, 100, 1_000)
    assert statistics.proportions_chance(75, 250, 250, 2_500, design_effect=2.5) == pytest.approx(plain, rel=1e-12)
    rare = statistics.proportions_chance(4, 100, 2, 1_000)
    assert statistics.proportions_chance(10, 250, 5, 2_500, design_effect=2.5) == pytest.approx(rare, rel=1e-12)
    assert difference_interval(140, 175, 120, 200, design_effect=2.5) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_rare_proportions_have_both_tails() -> None:
    """Fewer than expected: P(at most 1 of 12) at a share of a half is 13 / 4096, doubled."""
    assert statistics.proportions_chance(1, 1_000, 11, 1_000) < 0.05
    share = 400 / (400 + 1_000)
    low = stats.binomtest(1, 9, share, alternative="less").pvalue
    assert statistics.proportions_chance(1, 400, 8, 1_000) == pytest.approx(2 * low)
    assert statistics.proportions_chance(0, 400, 8, 1_000) == pytest.approx(2 * (1 - share) ** 8)
    assert statistics.proportions_chance(3, 400, 0, 1_000) == pytest.approx(2 * share**3)
    assert statistics.proportions_chance(1, 400, 2, 1_000) == 1.0
    assert statistics.proportions_chance(5, 10, 0, 0) == 1.0


def test_the_exact_test_begins_where_a_cell_is_expected_to_hold_fewer_than_five() -> None:
    square = stats.chi2_contingency([[9, 91], [1, 99]], correction=False).pvalue
    assert statistics.proportions_chance(9, 100, 1, 100) == pytest.approx(square)  # five are expected
    exact = 2 * stats.binomtest(9, 9, 0.5).pvalue / 2
    assert statistics.proportions_chance(9, 100, 0, 100) == pytest.approx(exact)  # four and a half are


@pytest.mark.parametrize(
    ("beyond", "design_effect", "chance"), [(0, 1.0, 1.0), (1, 1.0, 0.25), (3, 1.0, 1 / 64), (3, 1.5, 1 / 16), (2, 5.0, 0.25)]
)
def test_exceedances_of_groups(beyond: int, design_effect: float, chance: float) -> None:
    found = statistics.beyond_extreme_chance(beyond, 100, 300, design_effect=design_effect)
    assert found == pytest.approx(chance, rel=1e-12)


def test_the_expected_index_and_its_chance_by_hand() -> None:
    assert statistics.psi_expectation(8, 50, 200) == pytest.approx(7 * (0.02 + 0.005))
    assert statistics.psi_chance(0.3, 8, 50, 200) == pytest.approx(stats.chi2.sf(12.0, 7))
    assert statistics.psi_chance(0.3, 2, 50, 200) == pytest.approx(stats.chi2.sf(12.0, 1))
    assert statistics.psi_chance(0.3, 1, 50, 200) == 1.0


def test_the_distance_is_that_of_the_distribution_functions() -> None:
    assert statistics.ks_distance(np.array([0.5, 0.2, 0.3]), np.array([1, 5, 4])) == pytest.approx(0.4)
    assert statistics.ks_distance(np.array([0.1, 0.2, 0.7]), np.array([4, 4, 2])) == pytest.approx(0.5)


def test_exceedances_are_bounded_by_their_chance() -> None:
    rng = np.random.default_rng(4)
    n, m, draws = 100, 300, 4_000
    beyond = (rng.random((draws, n)) > rng.random((draws, m)).max(axis=1, keepdims=True)).sum(axis=1)
    for k in (1, 2, 3):
        assert (beyond >= k).mean() <= statistics.beyond_extreme_chance(k, n, m) + 0.02
        assert (beyond >= k).mean() >= 0.8 * statistics.beyond_extreme_chance(k, n, m) - 0.02


def test_holm_is_rs_example() -> None:
    """``p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")``."""
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])) == pytest.approx([1.0, 1.0])
    assert holm(np.array([])).size == 0


def test_hanley_and_mcneils_own_example() -> None:
    """Radiology 143, 1982: 0.032 for an area of 0.893 of 51 abnormal and 58 normal images; the formula is close to it."""
    assert hanley_mcneil_error(0.893, 51, 58) == pytest.approx(0.032, abs=1e-3)
