"""A window is judged by the settings that the champion was made with, and by no defaults where its bundle does not say them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from benchmarks.monitoring.windows import make_window
from fusionguard.config import EvaluationConfig, PipelineConfig, load_config
from fusionguard.data.table import Table
from fusionguard.evaluation.readings import ROC_AUC
from fusionguard.families.catalog import model_family
from fusionguard.families.churn.config import ChurnConfig, RetentionConfig
from fusionguard.families.churn.fairness import FairnessReport
from fusionguard.families.churn.model import ChurnModel
from fusionguard.families.churn.outcomes import fairness_settings, retention_settings, scored_customers
from fusionguard.families.churn.readings import CAMPAIGN_PROFIT, EMPC, read_customers_metrics
from fusionguard.families.fraud.config import FraudConfig, FraudEvaluationConfig, XGBoostConfig
from fusionguard.families.fraud.model import FraudModel
from fusionguard.families.fraud.outcomes import evaluation_settings, scored_transactions
from fusionguard.families.fraud.policy import DecisionPolicy
from fusionguard.families.fraud.readings import RECALL_AT_RATE, TOP_PRECISION, read_metrics
from fusionguard.features.churn import CHURN_FEATURES
from fusionguard.features.fraud import FRAUD_FEATURES
from fusionguard.models.bundle import Bundle
from fusionguard.monitoring.champion import Champion
from fusionguard.monitoring.outcomes import read_outcomes
from fusionguard.monitoring.performance import PerformanceReport
from fusionguard.monitoring.retraining import champion_settings
from fusionguard.monitoring.settings import MonitoringConfig
from fusionguard.monitoring.traffic import Drift
from pipelines.catalog import find_pipeline
from tests.monitoring.bundles import Change, changed

CONFIG = MonitoringConfig()
DRAWS = 200


def read(bundle: Bundle, folder: Path, rows: int, drift: Drift = Drift.NONE) -> tuple[PerformanceReport, Table]:
    """Read a window all of whose outcomes are known."""
    model = model_family(bundle.manifest.model).load(bundle)
    pq.write_table(make_window(model, rows=rows, drift=drift, size=0.1, seed=43), folder / "window.parquet")
    window = Table(folder / "window.parquet")
    champion = Champion(bundle, folder / "nothing-kept")
    return read_outcomes(window, model, champion, CONFIG), window


def test_the_metrics_of_transactions_are_those_the_champion_was_evaluated_by(fraud_bundle: Bundle, tmp_path: Path) -> None:
    bundle = changed(
        fraud_bundle, tmp_path, lambda config: config["evaluation"].update(false_positive_rate=0.07, top_alerts_per_day=3)
    )
    report, window = read(bundle, tmp_path, 2_000, Drift.NEW_PATTERN)  # many frauds that the model does not know
    model = model_family("fraud").load(bundle)
    assert isinstance(model, FraudModel)
    own = FraudEvaluationConfig(false_positive_rate=0.07, top_alerts_per_day=3, bootstrap_samples=DRAWS)
    rows = scored_transactions(window.read(), FRAUD_FEATURES, DecisionPolicy(review_cost=3.0))
    expected = read_metrics(rows, model.policy, own, seed=CONFIG.seed)
    default = read_metrics(rows, model.policy, FraudEvaluationConfig(bootstrap_samples=20), seed=CONFIG.seed)
    for name in (RECALL_AT_RATE, TOP_PRECISION):
        assert report.metrics[name] == expected[name]
        assert report.metrics[name].value != default[name].value, "else the defaults would do as well"
    assert not any("bundle" in remark for remark in report.remarks)


def _without_evaluation(config: dict[str, Any]) -> None:
    del config["evaluation"]


def _of_another_version(config: dict[str, Any]) -> None:
    config["evaluation"]["false_negative_rate"] = 0.2


@pytest.mark.parametrize(
    "change",
    [
        _without_evaluation,
        _of_another_version,
        lambda config: config["evaluation"].pop("top_alerts_per_day"),
    ],
)
def test_a_bundle_without_them_says_so_and_all_else_is_read(fraud_bundle: Bundle, tmp_path: Path, change: Change) -> None:
    bundle = changed(fraud_bundle, tmp_path, change)
    report, _ = read(bundle, tmp_path, 4_000)
    for name in (RECALL_AT_RATE, TOP_PRECISION):
        assert report.metrics[name].value is None
        assert "does not say by which settings" in (report.metrics[name].reason or "")
    assert report.metrics[ROC_AUC].value is not None and report.calibration is not None
    assert report.remarks[-1].startswith("recall at a fixed false-positive rate and precision in the top alerts are not judged")


def test_the_limits_of_fairness_and_the_worth_of_a_customer_are_the_champions(churn_bundle: Bundle, tmp_path: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        config["fairness"]["beyond_doubt"] = False
        config["fairness"]["gender"] |= {"true_positive_rate": None, "calibration": 0.000_1}
        config["fairness"]["geography"] |= {"selection_rate": 0.9}
        config["fairness"]["minimum_group_rows"] = 11
        config["retention"] |= {"acceptance_alpha": 9.0, "acceptance_beta": 4.0}

    bundle = changed(churn_bundle, tmp_path, change)
    report, window = read(bundle, tmp_path, 900)
    assert report.fairness is not None and report.remarks == ()
    gaps = FairnessReport.model_validate(report.fairness).gaps
    limits = {(gap.attribute, gap.metric): (gap.limit, gap.verdict) for gap in gaps}
    assert limits["gender", "true_positive_rate"] == (None, "reported")
    assert limits["gender", "calibration"] == (0.000_1, "broken")
    assert limits["geography", "selection_rate"] == (0.9, "within")
    assert limits["gender", "false_positive_rate"][0] == 0.15
    model = model_family("churn").load(bundle)
    assert isinstance(model, ChurnModel)
    worth = RetentionConfig(acceptance_alpha=9.0, acceptance_beta=4.0)
    draws = EvaluationConfig(bootstrap_samples=DRAWS)
    rows = scored_customers(window.read(), CHURN_FEATURES)
    assert report.metrics[EMPC] == read_customers_metrics(rows, model.policy, worth, draws, seed=CONFIG.seed)[EMPC]
    default = read_customers_metrics(rows, model.policy, RetentionConfig(), draws, seed=CONFIG.seed)[EMPC]
    assert report.metrics[EMPC].value != default.value


def test_customers_of_an_older_bundle_are_not_held_against_the_default_limits(churn_bundle: Bundle, tmp_path: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        config["fairness"] = {"mitigation": "none", "mitigated_attribute": "gender"}
        del config["retention"]["acceptance_beta"]

    report, _ = read(changed(churn_bundle, tmp_path, change), tmp_path, 900)
    assert report.fairness is None
    assert report.metrics[EMPC].value is None and report.metrics[CAMPAIGN_PROFIT].value is not None
    profit, fairness = report.remarks
    assert "expected maximum profit is not read" in profit and "fairness is not judged" in fairness


def test_a_setting_that_is_left_out_is_not_taken_to_be_the_default(churn_bundle: Bundle, tmp_path: Path) -> None:
    assert (fairness := fairness_settings(churn_bundle)) is not None and fairness.geography.true_positive_rate == 0.25
    assert retention_settings(churn_bundle) == RetentionConfig()
    assert evaluation_settings(churn_bundle) is None, "customers have no alerts a day"
    lacking = changed(churn_bundle, tmp_path, lambda config: config["fairness"]["age_band"].pop("calibration"))
    assert fairness_settings(lacking) is None


def test_a_challenger_is_trained_with_the_settings_of_the_champion(fraud_bundle: Bundle, tmp_path: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        config["policy"]["review_cost"] = 4.5
        config["xgboost"]["forgotten_by_this_version"] = 3
        config["forgotten"] = {"part": 1}

    manifest = changed(fraud_bundle, tmp_path, change).manifest
    assert champion_settings(manifest.model_copy(update={"refitted_rows": 20_000}))[0]["refit"] is True
    settings, remarks = champion_settings(manifest)
    assert settings["refit"] is False
    assert settings["seed"] == fraud_bundle.manifest.seed
    assert settings["policy"]["review_cost"] == 4.5
    assert settings["evaluation"] == {"top_alerts_per_day": 100, "false_positive_rate": 0.001}
    assert settings["split"]["train"] == 0.4
    assert set(settings) == {"seed", "refit", "split", "xgboost", "autoencoder", "policy", "fairness", "evaluation"}
    assert "forgotten_by_this_version" not in settings["xgboost"] and settings["xgboost"]["rounds"] == 30
    assert json.loads(json.dumps(settings)) == settings
    assert remarks == ()


def trained_with(settings: dict[str, Any], folder: Path, kind: type[PipelineConfig]) -> PipelineConfig:
    """The settings of the training that follows: the pipeline's own, and over them the champion's."""
    (folder / "champion.yaml").write_text(yaml.safe_dump(settings))
    return load_config(kind, [find_pipeline("fraud" if kind is FraudConfig else "churn").settings, folder / "champion.yaml"])


def test_a_champion_older_than_a_setting_is_followed_by_one_made_as_it_was(fraud_bundle: Bundle, tmp_path: Path) -> None:
    """Before ``num_parallel_tree`` was a setting, each round had one tree; today's default chooses by the rows."""
    manifest = changed(fraud_bundle, tmp_path, lambda config: config["xgboost"].pop("num_parallel_tree")).manifest
    settings, remarks = champion_settings(manifest)
    config = trained_with(settings, tmp_path, FraudConfig)
    assert config.xgboost == XGBoostConfig(rounds=30, num_parallel_tree=1, learning_rate=0.1)
    assert XGBoostConfig().num_parallel_tree is None
    assert remarks == ("the champion's bundle does not say xgboost.num_parallel_tree: it was 1 before that was a setting",)


def test_every_recorded_setting_is_what_the_training_starts_from(churn_bundle: Bundle, tmp_path: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        config["lightgbm"] |= {"rounds": 17, "path_smooth": 6.5, "min_split_gain": 0.6}
        config["holdout"]["repeats"] = 3

    manifest = changed(churn_bundle, tmp_path, change).manifest
    settings, remarks = champion_settings(manifest)
    config = trained_with(settings, tmp_path, ChurnConfig)
    assert config.model_dump(mode="json", include=model_family("churn").settings_in_bundle) == manifest.config
    assert (config.lightgbm.rounds, config.lightgbm.path_smooth, config.lightgbm.min_split_gain, config.holdout.repeats) == (
        17,
        6.5,
        0.6,
        3,
    )
    assert remarks == ()


def test_settings_that_nobody_knows_of_a_champion_are_named(churn_bundle: Bundle, tmp_path: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        del config["lightgbm"]["path_smooth"], config["fairness"]["age_band"]["calibration"], config["holdout"]

    _, remarks = champion_settings(changed(churn_bundle, tmp_path, change).manifest)
    named = "holdout.test, holdout.folds, holdout.repeats, holdout.rows, lightgbm.path_smooth, fairness.age_band.calibration"
    assert remarks == (f"the champion's bundle does not say {named}: the training takes the pipeline's own",)
