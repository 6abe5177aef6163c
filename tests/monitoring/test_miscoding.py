"""Codes that were swapped are found by outcomes, named, and told from a world that has changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.monitoring.windows import make_window
from fusionguard.data.table import Table
from fusionguard.families.churn.family import CHURN_FAMILY
from fusionguard.families.fraud.family import FRAUD_FAMILY
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.findings import Finding, judge
from fusionguard.monitoring.miscoding import coded_features, miscoding_checks
from fusionguard.monitoring.outcomes import read_outcomes
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.thresholds import MonitoringThresholds
from fusionguard.monitoring.traffic import Drift

LIMITS = MonitoringThresholds()
FEATURES = list(CHURN_FAMILY.features.model_features)


@pytest.fixture(scope="module")
def model(churn_bundle: Bundle) -> ScoringModel:
    return CHURN_FAMILY.load(churn_bundle)


def window(
    model: ScoringModel,
    seed: int,
    swap: tuple[str, object, object] | None = None,
    begin: float = 0.0,
    drift: Drift = Drift.NONE,
    count: int = 3_000,
) -> pa.Table:
    """Customers who leave as the simulator lets them; the model reads two codes of a column exchanged, from a part of them on."""
    rows = make_window(model, rows=3_000, drift=drift, size=0.2, seed=seed)
    if swap is not None:
        name, one, other = swap
        column = rows[name]
        first, second = (pa.scalar(value, column.type) for value in (one, other))
        exchanged = pc.if_else(pc.equal(column, first), second, pc.if_else(pc.equal(column, second), first, column))
        broken = pa.array(np.arange(rows.num_rows) >= begin * rows.num_rows)
        rows = rows.set_column(rows.column_names.index(name), name, pc.if_else(broken, exchanged, column))
        answers = model.answer_features(rows.select(FEATURES))
        for each in ("score", "probability", "decision"):
            rows = rows.set_column(rows.column_names.index(each), each, answers[each])
    return rows


def found(rows: pa.Table, model: ScoringModel) -> list[Finding]:
    findings = judge(list(miscoding_checks(rows, model, LIMITS, seed=7)), LIMITS.chance)
    return [finding for finding in findings if finding.level != "none"]


def test_the_features_of_few_values_are_looked_at() -> None:
    assert coded_features(CHURN_FAMILY) == {
        "Geography": ("France", "Germany", "Spain"),
        "Gender": ("Female", "Male"),
        "HasCrCard": (0, 1),
        "IsActiveMember": (0, 1),
    }
    assert coded_features(FRAUD_FAMILY) == {}


@pytest.mark.parametrize(
    ("swap", "begin"),
    [
        (("IsActiveMember", 0, 1), 0.3),
        (("Geography", "Germany", "France"), 0.0),
    ],
)
def test_codes_that_were_exchanged_are_named(model: ScoringModel, swap: tuple[str, object, object], begin: float) -> None:
    (finding,) = found(window(model, 311, swap, begin), model)
    assert (finding.subject, finding.level) == (swap[0], "act")
    assert all(f"'{value}'" in finding.sentence for value in swap[1:])
    assert finding.effect > LIMITS.miscoded_act


@dataclass(frozen=True)
class WomenLeave:
    """A model that goes by gender alone, and is right: 26 of 100 women leave, and 16 of 100 men."""

    bundle: Bundle
    version: str = "1"

    def answer_features(self, rows: pa.Table, *, reasons: int = 0) -> pa.Table:
        return pa.table({"probability": np.where(np.array(rows["Gender"].to_pylist()) == "Female", 0.26, 0.16)})


@pytest.mark.parametrize(("swapped", "effect"), [(True, 0.0574), (False, -0.0609)])
def test_the_effect_is_the_share_of_the_log_loss_that_the_swap_saves(
    model: ScoringModel, churn_bundle: Bundle, swapped: bool, effect: float
) -> None:
    """By the Kullback-Leibler divergences, 0.26 ln(0.26/0.16) + 0.74 ln(0.74/0.84) of women and likewise of men, of the loss."""
    rows, rng = window(model, 341), np.random.default_rng(342)
    rows = pa.concat_tables([rows] * 6)
    women = np.array(rows["Gender"].to_pylist()) == "Female"
    label = (rng.random(women.size) < np.where(women, 0.26, 0.16)).astype(np.int8)
    if swapped:
        rows = rows.set_column(rows.column_names.index("Gender"), "Gender", pa.array(np.where(women, "Male", "Female")))
    by_gender = WomenLeave(churn_bundle)
    for name, values in (("label", pa.array(label)), ("probability", by_gender.answer_features(rows)["probability"])):
        rows = rows.set_column(rows.column_names.index(name), name, values)
    checks = {check.subject: check for check in miscoding_checks(rows, by_gender, LIMITS, seed=7)}
    assert checks["Gender"].effect == pytest.approx(effect, abs=0.012)
    assert (checks["Gender"].chance < 1e-6) == swapped
    assert checks["HasCrCard"].effect == 0 and checks["HasCrCard"].chance == 1, "nothing is made of it"


def test_neither_calm_nor_a_changed_world_is_called_so(model: ScoringModel) -> None:
    assert not [finding for seed in range(320, 326) for finding in found(window(model, seed), model)]
    assert not [finding for seed in (331, 332) for finding in found(window(model, seed, drift=Drift.NEW_PATTERN), model)]


def test_too_few_outcomes_of_one_class_show_nothing(model: ScoringModel) -> None:
    rows = window(model, 311, ("Gender", "Female", "Male"))
    left = rows.filter(pc.equal(rows["label"], 1)).slice(0, 19)
    assert list(miscoding_checks(pa.concat_tables([left, rows.filter(pc.equal(rows["label"], 0))]), model, LIMITS, seed=7)) == []


def test_it_is_read_with_the_outcomes(model: ScoringModel, tmp_path: Path) -> None:
    pq.write_table(window(model, 311, ("Geography", "Germany", "France")), tmp_path / "window.parquet")
    champion = Champion(model.bundle, tmp_path / "nothing-kept")
    report = read_outcomes(Table(tmp_path / "window.parquet"), model, champion, MonitoringConfig())
    assert [(finding.kind, finding.subject) for finding in report.findings if finding.kind == "miscoded"] == [
        ("miscoded", "Geography")
    ]
