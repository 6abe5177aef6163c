from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss

from fusionguard.config import GateConfig
from fusionguard.errors import DataError
from fusionguard.evaluation.comparison import ComparedRows, Comparison, compare
from fusionguard.evaluation.gate import GateFacts, decide_gate
from tests.evaluation.test_gate import CHALLENGER, CHAMPION


@pytest.fixture(scope="module")
def champion() -> ComparedRows:
    """3,000 rows with 7 % frauds whose legitimate rows stand for three each, scored by their true probabilities."""
    draw = np.random.default_rng(5)
    score = draw.normal(-4.1, 2.3, 3000)
    probability = 1 / (1 + np.exp(-score))
    label = (draw.random(3000) < probability).astype(np.int8)
    weight = np.where(label == 0, 3.0, 1.0)
    # What legitimate rows stand for lowers the odds of fraud to a third.
    return ComparedRows(label, weight, score - np.log(3), 1 / (1 + np.exp(np.log(3) - score)))


def distorted(rows: ComparedRows, slope: float = 1.0, shift: float = 0.0) -> ComparedRows:
    """Return the rows as a model sees them that ranks alike and whose log-odds are distorted."""
    score = slope * rows.score + shift
    return replace(rows, score=score, probability=1 / (1 + np.exp(-score)))


def test_values_are_scikit_learns_with_weights(champion: ComparedRows) -> None:
    draw = np.random.default_rng(6)
    challenger = distorted(champion, slope=0.8, shift=0.4)
    challenger = replace(challenger, score=challenger.score + draw.normal(0, 0.5, champion.label.size))
    found = compare(challenger, champion, samples=20, seed=1)

    def gain(read: object, column: str, sign: int) -> float:
        own, other = (
            read(rows.label, getattr(rows, column), sample_weight=rows.weight)  # type: ignore[operator]
            for rows in (challenger, champion)
        )
        return float(sign * (own - other))

    assert found.average_precision.value == pytest.approx(gain(average_precision_score, "score", 1))
    assert found.log_loss.value == pytest.approx(gain(log_loss, "probability", -1))
    assert found.brier.value == pytest.approx(gain(brier_score_loss, "probability", -1))
    assert found.log_loss.value < 0 and found.log_loss.probability_better == 0


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 1.6), (1.0, -1.6), (2.2, 0.0), (0.5, 0.0)])
def test_a_distorted_copy_never_replaces_its_original(champion: ComparedRows, slope: float, shift: float) -> None:
    challenger = distorted(champion, slope, shift)

    def verdict(own: ComparedRows, other: ComparedRows) -> bool:
        return decide_gate(
            CHALLENGER,
            CHAMPION,
            facts=GateFacts(own=0.8, bar=0.6, test_seconds=(140_000, 172_792)),
            compare=lambda: compare(own, other, samples=60, seed=2),
            config=GateConfig(),
        ).promoted

    assert not verdict(challenger, champion)
    assert verdict(champion, challenger)


def test_a_better_ranking_does_not_make_up_for_a_wrong_level(champion: ComparedRows) -> None:
    blurred = replace(champion, score=champion.score + np.random.default_rng(3).normal(0, 2.0, champion.label.size))
    better = distorted(champion, shift=2.0)
    found = compare(better, blurred, samples=60, seed=2)
    assert found.average_precision.probability_better > 0.9 and found.log_loss.probability_better < 0.1


def test_certain_and_wrong_is_a_finite_loss(champion: ComparedRows) -> None:
    certain = replace(champion, probability=np.where(champion.score > 0, 1.0, 0.0))
    found = compare(certain, champion, samples=20, seed=1)
    assert np.isfinite(found.log_loss.value) and found.log_loss.value < -0.1


def test_the_same_rows_differ_in_nothing(champion: ComparedRows) -> None:
    zero = {"value": 0.0, "low": 0.0, "high": 0.0, "probability_better": 0.0}
    assert compare(champion, champion, samples=20, seed=1) == Comparison(average_precision=zero, log_loss=zero, brier=zero)


def test_the_seed_chooses_the_draws_and_samples_says_how_many(champion: ComparedRows) -> None:
    blurred = replace(champion, score=champion.score + np.random.default_rng(3).normal(0, 0.1, champion.label.size))
    found = compare(champion, blurred, samples=8, seed=1)
    assert compare(champion, blurred, samples=8, seed=1) == found
    other = compare(champion, blurred, samples=8, seed=2).average_precision
    assert other.value == found.average_precision.value
    assert other.low != found.average_precision.low
    assert (8 * found.average_precision.probability_better).is_integer()


def test_rows_of_one_class_cannot_be_compared(champion: ComparedRows) -> None:
    frauds = replace(champion, label=np.ones_like(champion.label))
    with pytest.raises(DataError, match="rows of one class"):
        compare(frauds, frauds, samples=20, seed=1)


def test_where_owners_are_known_they_are_drawn(champion: ComparedRows) -> None:
    blurred = replace(champion, score=champion.score + np.random.default_rng(3).normal(0, 1.5, champion.label.size))
    owner = np.random.default_rng(4).integers(0, 60, champion.label.size)
    owned = replace(champion, owner=owner)
    found, by_rows = (compare(each, blurred, samples=60, seed=1).average_precision for each in (owned, champion))
    alone = compare(replace(champion, owner=np.arange(champion.label.size)), blurred, samples=60, seed=1).average_precision
    assert found.value == by_rows.value and (found.low, found.high) != (by_rows.low, by_rows.high)
    assert (alone.low, alone.high) == (by_rows.low, by_rows.high)
