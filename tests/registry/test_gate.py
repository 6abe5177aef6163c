"""The gate with real models and a real registry: who is champion afterwards."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb
from sklearn.metrics import average_precision_score

from fusionguard.data.provenance import Origin, Provenance
from fusionguard.data.table import Table
from fusionguard.evaluation.comparison import ComparedRows
from fusionguard.evaluation.gate import GateVerdict
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.evaluation.splits import SplitPlan, plan_split
from fusionguard.families.fraud.autoencoder import train_autoencoder
from fusionguard.families.fraud.boosting import train_booster
from fusionguard.families.fraud.build import build_fraud_bundle
from fusionguard.families.fraud.config import AutoencoderConfig, FraudConfig, FraudEvaluationConfig, XGBoostConfig
from fusionguard.families.fraud.model import load
from fusionguard.families.fraud.reading import read_test
from fusionguard.families.fraud.report import evaluate
from fusionguard.families.fraud.rows import read_slice
from fusionguard.families.scoring_model import ScoringModel
from fusionguard.features.fraud import FRAUD_FEATURES
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.models.refit import write_refitted
from fusionguard.registry.aliases import champion, resolve_bundle
from fusionguard.registry.gate import pass_gate
from fusionguard.registry.register import register_bundle
from tests.families.fraud.conftest import draw_features

Model = tuple[Bundle, Provenance]
READ = FraudEvaluationConfig(bootstrap_samples=100)
"""Enough to tell these models apart."""


class Workshop:
    """Models of different strength on one table."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.features: Table = draw_features(folder / "features.parquet")
        self.plan: SplitPlan = plan_split(planned_rows(self.features, FRAUD_FEATURES), FraudConfig().split)

    def model(self, name: str, rounds: int, origin: Origin = "local") -> Model:
        """Train a model of its own source; more rounds are stronger."""
        config = FraudConfig(
            xgboost=XGBoostConfig(rounds=rounds, learning_rate=0.3, max_depth=1 if rounds == 1 else 4),
            autoencoder=AutoencoderConfig(latent_sizes=(2,), epochs=1),
        )
        booster = train_booster(self.features, self.plan, config.xgboost, negative_weight=1.0, seed=1)
        autoencoder = train_autoencoder(self.features, self.plan, config.autoencoder, negative_weight=1.0, seed=1)
        provenance = Provenance(dataset="fraud", origin=origin, description=name, sha256=name * 64, rows=self.features.rows)
        bundle = build_fraud_bundle(
            self.folder / name,
            self.features,
            self.plan,
            booster,
            autoencoder,
            provenance=provenance,
            features_sha256=name * 64,
            config=config,
        )
        return bundle, provenance


class Contest:
    """The gate that models pass, in a registry of a test's own."""

    def __init__(self, home: Home, features: Table, plan: SplitPlan) -> None:
        self.home, self.features, self.plan = home, features, plan

    def enter(self, bundle: Bundle, provenance: Provenance, *refusals: str) -> GateVerdict:
        """Register a model and let the gate decide."""
        version = register_bundle(self.home, bundle, metrics={}, plots={}, provenance=provenance, config={})
        model = load(bundle)
        rows = read_test(model, self.features, self.plan, 1.0)
        chance = rows.scored_by(np.full(rows.rows, 0.04))
        references = {"logistic regression": chance}
        report = evaluate(rows, references, model.policy, READ, origin=provenance.origin, seed=1)
        facts = report.gate_facts().model_copy(update={"refusals": refusals})
        gate = FraudConfig().gate
        return pass_gate(self.home, version, bundle, facts, self.ranks, gate, samples=report.bootstrap_samples, seed=1)

    def ranks(self, model: ScoringModel) -> ComparedRows:
        """Score the test slice."""
        rows = read_test(model, self.features, self.plan, 1.0)
        return ComparedRows(rows.label, rows.weight, rows.score, rows.probability)

    @property
    def champion_sha256(self) -> str:
        return resolve_bundle(self.home, "fraud@champion").sha256


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="module")
def weak(workshop: Workshop) -> Model:
    return workshop.model("a", 1)


@pytest.fixture(scope="module")
def strong(workshop: Workshop) -> Model:
    return workshop.model("b", 60)


@pytest.fixture
def contest(store: Home, workshop: Workshop) -> Contest:
    return Contest(store, workshop.features, workshop.plan)


def test_the_stronger_model_takes_over_and_the_weaker_does_not_take_it_back(contest: Contest, weak: Model, strong: Model) -> None:
    assert contest.enter(*weak).promoted
    assert contest.champion_sha256 == weak[0].sha256
    verdict = contest.enter(*strong)
    assert verdict.promoted
    assert verdict.difference is not None and verdict.difference.value > 0
    assert contest.champion_sha256 == strong[0].sha256
    assert not contest.enter(*weak).promoted
    assert contest.champion_sha256 == strong[0].sha256
    assert "already champion" in contest.enter(*strong).reason


def test_a_refitted_model_is_compared_as_it_was_evaluated_for_it_has_seen_the_test_rows(
    contest: Contest, weak: Model, strong: Model, tmp_path: Path
) -> None:
    evaluated, source = weak
    test = read_slice(contest.features, contest.plan.test, 1.0)
    by_heart = xgb.train({"max_depth": 9, "eta": 0.5}, xgb.DMatrix(test.x, label=test.label), num_boost_round=40)
    files = {"booster.ubj": bytes(by_heart.save_raw("ubj"))}
    refitted = write_refitted(tmp_path / "refitted", evaluated, files, rows=contest.features.rows)
    own, other = (contest.ranks(load(bundle)) for bundle in (refitted, strong[0]))
    assert average_precision_score(own.label, own.score) > average_precision_score(other.label, other.score)

    assert contest.enter(refitted, source).promoted
    verdict = contest.enter(*strong)
    assert verdict.promoted
    before = contest.ranks(load(evaluated))
    gap = average_precision_score(other.label, other.score) - average_precision_score(before.label, before.score)
    assert verdict.difference is not None and verdict.difference.value == pytest.approx(gap)
    # As a challenger, too, it counts as it was evaluated, and so it does not win back what it knows by heart.
    files |= {"booster.onnx": b"another file, so that this is another model"}
    challenger = contest.enter(write_refitted(tmp_path / "challenger", evaluated, files, rows=contest.features.rows), source)
    assert not challenger.promoted
    assert challenger.difference is not None and challenger.difference.value == pytest.approx(-gap)


@pytest.mark.full
def test_a_lost_champion_is_replaced_but_not_by_a_simulated_model(
    contest: Contest, workshop: Workshop, weak: Model, strong: Model
) -> None:
    contest.enter(*weak)
    lost = champion(contest.home, "fraud")
    assert lost is not None
    for booster in list(contest.home.mlflow_artifacts.rglob("booster.ubj")):
        shutil.rmtree(booster.parent)
    simulated = contest.enter(*workshop.model("c", 60, origin="simulated"))
    assert not simulated.promoted
    assert "simulated data never replaces" in simulated.reason
    assert contest.enter(*strong).promoted
    now = champion(contest.home, "fraud")
    assert now is not None and now.version != lost.version


def test_a_refused_challenger_is_the_challenger_but_not_champion(contest: Contest, weak: Model, strong: Model) -> None:
    assert not contest.enter(*weak, "It is unfair.").promoted
    assert champion(contest.home, "fraud") is None
    assert resolve_bundle(contest.home, "fraud@challenger").sha256 == weak[0].sha256
    contest.enter(*weak)
    verdict = contest.enter(*strong, "It is unfair.")
    assert verdict.reason == "The challenger is refused. It is unfair. The champion stays."
    assert contest.champion_sha256 == weak[0].sha256
    assert resolve_bundle(contest.home, "fraud@challenger").sha256 == strong[0].sha256
