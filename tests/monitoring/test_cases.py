"""Rows of one owner are alike: outcomes of a few cards say less than as many of many, and raise no alarm by themselves."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fusionguard.families.outcomes import OutcomeReading, logged_owners
from fusionguard.monitoring.calibration import fit_line, read_calibration
from fusionguard.monitoring.cases import Clustering, cases, clustering, sum_chance
from fusionguard.monitoring.outcomes import labelled_rows, read_performance

ROWS, OF_ONE = 12_000, 6


def payments(seed: int, rate: float = 0.01) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return outcomes, probabilities and owners (n,): all six rows of an owner are positive, or none is."""
    rng = np.random.default_rng(seed)
    owner = rng.permutation(np.repeat(np.arange(ROWS // OF_ONE), OF_ONE))
    label = (rng.random(ROWS // OF_ONE) < rate)[owner].astype(np.int8)
    return label, np.full(ROWS, 0.01), owner


def test_positive_rows_of_one_owner_are_one_case() -> None:
    label = np.array([1, 1, 0, 1, 0], dtype=np.int8)
    assert cases(label, np.array([4, 4, 9, 2, 2])) == 2
    assert cases(label, None) == 3


def test_a_sum_varies_as_those_of_owners_do() -> None:
    residual = np.array([2.0, 1.0, -1.0, 3.0])
    assert clustering(residual, np.array([8, 8, 5, 5])) == Clustering(), "never below 1: (9 + 4) / 15, and (27 + 8) / 37"
    found = clustering(residual, np.array([8, 8, 5, 8]))
    assert (found.variance, found.third) == pytest.approx(((36 + 1) / 15, (216 + 1) / 37))
    assert clustering(residual, None) == clustering(np.zeros(2), np.array([1, 1])) == Clustering()


def test_outcomes_of_alike_rows_alarm_as_seldom_as_those_of_others() -> None:
    drawn = [payments(seed) for seed in range(80)]
    by_rows = sum(read_calibration(label, p).finding.level != "none" for label, p, _ in drawn)  # type: ignore[union-attr]
    found = [read_calibration(label, p, owner=owner).finding for label, p, owner in drawn]
    assert by_rows > 12
    assert sum(each is not None and each.level != "none" for each in found) <= 2
    label, p, owner = payments(3, rate=0.03)
    worse = read_calibration(label, p, owner=owner).finding
    assert worse is not None and worse.level == "act", "three times as many frauds are still found"


def test_intervals_of_alike_rows_are_wider() -> None:
    label, p, owner = payments(1)
    plain, owned = read_calibration(label, p), read_calibration(label, p, owner=owner)
    widths = [float(each.ratio.high or 0) - float(each.ratio.low or 0) for each in (plain, owned)]
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(OF_ONE), rel=0.06)
    assert plain.line is not None and owned.line is not None
    assert owned.line.covariance[2] / plain.line.covariance[2] == pytest.approx(OF_ONE, rel=0.12)
    assert (owned.ratio.value, owned.spiegelhalter_z) == (plain.ratio.value, plain.spiegelhalter_z)


def test_what_the_evaluation_showed_already_is_no_finding() -> None:
    rng = np.random.default_rng(4)
    p = rng.beta(0.4, 12, 20_000)
    true = 1 / (1 + np.exp(-(np.log(p / (1 - p)) + 0.8)))
    before = (rng.random(p.size) < true).astype(np.int8)
    line = fit_line(before.astype(np.float64), np.ones(p.size), p, source="the champion's evaluation")
    now = (rng.random(p.size) < true).astype(np.int8)
    absolute, known = read_calibration(now, p).finding, read_calibration(now, p, evaluated=line).finding
    assert absolute is not None and absolute.level == "act"
    assert known is not None and known.level == "none"
    worse = (rng.random(p.size) < 1 / (1 + np.exp(-(np.log(p / (1 - p)) + 1.6)))).astype(np.int8)
    found = read_calibration(worse, p, evaluated=line).finding
    assert found is not None and found.level == "act"


def test_an_evaluation_of_few_positives_that_showed_nothing_wrong_hides_no_fall() -> None:
    rng = np.random.default_rng(9)
    found = 0
    for _ in range(10):
        tested, p = rng.beta(0.4, 12, 800), rng.beta(0.4, 12, 4_000)
        before = (rng.random(tested.size) < tested).astype(np.float64)
        line = fit_line(before, np.ones(tested.size), tested, source="the champion's evaluation")
        halved = (rng.random(p.size) < p / 2).astype(np.int8)
        alone, beside = (read_calibration(halved, p, evaluated=each).finding for each in (None, line))
        assert alone is not None and beside is not None and alone.level == "act"
        found += beside == alone
    assert found >= 9, "about one evaluation in twenty shows by chance that a right model is off"


def test_a_crumb_beyond_what_the_evaluation_showed_is_no_large_effect() -> None:
    rng = np.random.default_rng(2)
    p = rng.beta(0.4, 12, 200_000)
    before = (rng.random(p.size) < 1.55 * p).astype(np.float64)
    line = fit_line(before, np.ones(p.size), p, source="the champion's evaluation")
    finding = read_calibration((rng.random(p.size) < 1.66 * p).astype(np.int8), p, evaluated=line).finding
    assert finding is not None and finding.effect < 0.15 and finding.level != "act"
    assert f"or {line.apply(p).sum():.0f} by what the model's evaluation showed" in finding.sentence


def test_an_uncertain_probability_makes_a_sum_less_sure() -> None:
    label, p, _ = payments(5, rate=0.016)
    sure, unsure = (sum_chance(label, p, np.ones(ROWS), unsure=each) for each in (0.0, 3_600.0))
    assert sure < 1e-6 and unsure > 0.02


def test_a_row_of_which_nobody_knows_whose_it_is_is_one_of_its_own() -> None:
    rows = pa.table({"past_owner": pa.array([-7, None, 40, None, -7], pa.int64())})
    owners = logged_owners(rows)
    assert owners is not None and owners[0] == owners[4] and np.unique(owners).size == 4
    assert logged_owners(pa.table({"past_owner": pa.nulls(3, pa.int64())})) is None
    assert logged_owners(pa.table({"amount": [1.0]})) is None


def test_metrics_of_a_few_owners_are_not_judged() -> None:
    label = np.zeros(400, dtype=np.int8)
    label[:60] = 1
    time = pa.array(np.arange(400) * 1_000_000).cast(pa.timestamp("us", tz="UTC"))
    columns = {"time": time, "label": pa.array(label), "label_observed_at": time, "probability": pa.array(np.full(400, 0.15))}
    reading = OutcomeReading(lambda _: {})

    def remarks(owner: np.ndarray) -> tuple[str, ...]:
        rows = labelled_rows(pa.table(columns | {"past_owner": pa.array(owner)}))
        return read_performance(rows, reading, {}, judged={}).remarks

    assert remarks(np.arange(400)) == ()
    assert remarks(np.arange(400) // 5) == (
        "60 of 400 labelled rows are positive, of 12 owners: too few of one class to judge metrics",
    )
