"""Counts, rates and standard errors of groups, against the same drawn and counted row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fusionguard.evaluation.bootstrap import resampled_counts
from fusionguard.evaluation.scored import Flags, Floats
from fusionguard.families.churn.customers import ScoredCustomers
from fusionguard.families.churn.group_tally import GroupTally, tally_groups
from fusionguard.features.churn import AGE_BANDS
from tests.families.churn.cases import ATTRIBUTES, ORDER

SAMPLES = 25


@pytest.fixture(scope="module")
def customers() -> ScoredCustomers:
    """Sixty customers; one country has two, one of whom left, so that draws miss them, and one has nobody who left."""
    generator = np.random.default_rng(3)
    label = (generator.random(60) < 0.35).astype(np.int8)
    geography = np.array(["Spain"] * 40 + ["France"] * 18 + ["Andorra"] * 2)
    label[58:] = 1, 0
    geography[np.flatnonzero(label[:58] == 0)[:7]] = "Monaco"
    return ScoredCustomers(
        label=label,
        probability=generator.uniform(0.02, 0.9, 60),
        score=generator.normal(size=60),
        balance=np.zeros(60),
        groups={
            "gender": generator.choice(np.array(["Male", "Female"]), 60, p=[0.7, 0.3]),
            "age_band": np.append(generator.choice(np.array(AGE_BANDS[::-1]), 58), ["unknown", "apart"]),
            "geography": geography,
        },
        row_number=np.arange(60),
        order=ORDER,
    )


@pytest.fixture(scope="module")
def offered() -> Flags:
    return np.random.default_rng(4).random(60) < 0.4


@pytest.fixture
def tallies(customers: ScoredCustomers, offered: Flags) -> dict[str, GroupTally]:
    return tally_groups(customers, offered, samples=SAMPLES, seed=11)


def members(customers: ScoredCustomers, attribute: str, name: str) -> dict[str, Flags]:
    """Whom each metric of a group is a share of."""
    inside, left = customers.groups[attribute] == name, customers.label == 1
    return {
        "selection_rate": inside,
        "true_positive_rate": inside & left,
        "false_positive_rate": inside & ~left,
        "calibration": inside,
    }


def spread_of(values: list[float]) -> float:
    seen = np.array([value for value in values if not np.isnan(value)])
    return float(seen.std()) if seen.size else 0.0


def mean(values: Any, weight: Floats) -> float:
    return float(np.sum(values * weight) / np.sum(weight)) if np.sum(weight) else float("nan")


def test_groups_come_by_age_and_by_name(tallies: dict[str, GroupTally]) -> None:
    assert tuple(tallies) == ATTRIBUTES
    assert tallies["gender"].names == ("Female", "Male")
    assert tallies["geography"].names == ("Andorra", "France", "Monaco", "Spain")
    assert tallies["age_band"].names == (*AGE_BANDS, "apart", "unknown")


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_number_is_that_of_the_rows_and_of_the_draws(
    attribute: str, customers: ScoredCustomers, offered: Flags, tallies: dict[str, GroupTally]
) -> None:
    tally = tallies[attribute]
    draws = list(resampled_counts(customers.label, SAMPLES, 11))
    error = customers.probability - customers.label
    for place, name in enumerate(tally.names):
        of = members(customers, attribute, name)
        assert {metric: count[place] for metric, count in tally.of.items()} == {metric: who.sum() for metric, who in of.items()}
        inside = of.pop("calibration")
        assert {metric: count[place] for metric, count in tally.hits.items()} == {
            metric: offered[who].sum() for metric, who in of.items()
        }
        assert tally.mean_probability[place] == pytest.approx(customers.probability[inside].mean(), rel=1e-12)
        assert tally.calibration[place] == pytest.approx(error[inside].mean(), rel=1e-12)
        for metric, who in of.items():
            drawn = spread_of([mean(offered[who], count[who]) for count in draws])
            share, rows = (offered[who].sum() + 1) / (who.sum() + 2), who.sum() + 2
            assert tally.spread[metric][place] == pytest.approx(max(drawn, np.sqrt(share * (1 - share) / rows)), rel=1e-9)
        readings = [mean(error[inside], count[inside]) for count in draws]
        assert tally.drawn_calibration[:, place] == pytest.approx(readings, rel=1e-9, nan_ok=True)
        variance = float((customers.probability * (1 - customers.probability))[inside].sum())
        least = np.sqrt(variance + 0.25) / inside.sum()
        assert tally.spread["calibration"][place] == pytest.approx(max(spread_of(readings), least), rel=1e-9)
    assert np.isnan(tally.drawn_calibration).any() == (attribute != "gender")


def test_a_single_draw_shows_no_spread_and_leaves_the_doubt_of_the_rows(customers: ScoredCustomers, offered: Flags) -> None:
    tally = tally_groups(customers, offered, samples=1, seed=2)["gender"]
    for metric, hits in tally.hits.items():
        share = (hits + 1) / (tally.of[metric] + 2)
        assert tally.spread[metric] == pytest.approx(np.sqrt(share * (1 - share) / (tally.of[metric] + 2)))
