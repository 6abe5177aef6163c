from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from fusionguard.families.churn.bands import BAND_EDGES, BANDS, band_of, read_bands
from fusionguard.families.churn.retention import RetentionPolicy

POLICY = RetentionPolicy(base_value=100, balance_margin=0.001, offer_cost=10, contact_cost=1, acceptance=0.3)


def test_a_probability_on_an_edge_belongs_to_the_band_above() -> None:
    probability = np.array([0.0, 0.0999, 0.1, 0.2499, 0.25, 0.4999, 0.5, 1.0])
    assert band_of(probability).tolist() == ["low", "low", "guarded", "guarded", "elevated", "elevated", "high", "high"]


def test_the_bands_by_hand(make_customers: Any) -> None:
    customers = replace(
        make_customers(8),
        probability=np.array([0.05, 0.08, 0.2, 0.3, 0.4, 0.4, 0.6, 0.8]),
        label=np.array([0, 0, 0, 0, 1, 0, 1, 1], dtype=np.int8),
        balance=np.array([0.0, 0.0, 50_000.0, 0.0, 0.0, 100_000.0, 0.0, 100_000.0]),
    )
    readings = read_bands(customers, POLICY)
    assert [reading.band for reading in readings] == list(BANDS)
    assert [(reading.rows, reading.churners, reading.share) for reading in readings] == [
        (2, 0, 0.25),
        (1, 0, 0.125),
        (3, 1, 0.375),
        (2, 2, 0.25),
    ]
    assert [reading.mean_probability for reading in readings] == pytest.approx([0.065, 0.2, 1.1 / 3, 0.7])
    assert [reading.value_at_risk for reading in readings] == pytest.approx([13.0, 30.0, 150.0, 220.0])
    rate = readings[2].churn_rate
    other = binomtest(1, 3).proportion_ci(0.95, method="wilson")
    assert (rate.value, rate.low, rate.high) == pytest.approx((1 / 3, other.low, other.high), abs=1e-6)


def test_nobody_is_lost_and_right_probabilities_lie_within_the_intervals(make_customers: Any) -> None:
    customers = make_customers(20_000)
    readings = read_bands(customers, POLICY)
    assert sum(reading.rows for reading in readings) == 20_000
    assert sum(reading.churners for reading in readings) == customers.churners
    assert sum(reading.share for reading in readings) == pytest.approx(1)
    assert [reading.lowest for reading in readings] == [0.0, *BAND_EDGES]
    assert [reading.below for reading in readings] == [*BAND_EDGES, 1.0]
    rates = [reading.churn_rate.value for reading in readings]
    assert rates == sorted(rates)
    for reading in readings:
        assert reading.churn_rate.low < reading.mean_probability < reading.churn_rate.high


def test_an_empty_band_says_so(make_customers: Any) -> None:
    customers = make_customers(100)
    certain = replace(customers, probability=np.full(100, 0.9))
    low, *_, high = read_bands(certain, POLICY)
    assert (low.rows, low.share, low.mean_probability, low.value_at_risk) == (0, 0.0, None, 0.0)
    assert low.churn_rate.value is None
    assert low.churn_rate.reason == "no customers here"
    assert (high.rows, high.share) == (100, 1.0)


def test_no_customers_are_four_empty_bands(make_customers: Any) -> None:
    nobody = make_customers(10).take(np.zeros(10, dtype=bool))
    assert [(reading.rows, reading.share) for reading in read_bands(nobody, POLICY)] == [(0, 0.0)] * 4
