"""The churn models' quality is measured on the same folds, and judged where the customers are not simulated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.churn_quality import cross_validate, measure_churn_quality
from benchmarks.document import write_document
from benchmarks.results import Results
from benchmarks.sizes import RunSize
from fusionguard.config import load_config
from fusionguard.datasets.bank_churn.schema import CHURN
from fusionguard.errors import DataError
from fusionguard.evaluation.readings import AVERAGE_PRECISION, CALIBRATION_ERROR, ROC_AUC
from fusionguard.families.churn.config import ChurnConfig
from fusionguard.families.churn.references import CATBOOST_DEFAULTS, LIGHTGBM_DEFAULTS
from fusionguard.home import Home
from tests.benchmarks.conftest import comparison

_FEW = RunSize("churn", 1_000, ("holdout.folds=2", "holdout.repeats=1", "lightgbm.rounds=5", "catboost.rounds=5"))


@pytest.mark.full
@pytest.mark.bench
def test_every_model_is_read_on_the_same_folds_in_a_process_of_its_own(tmp_path: Path) -> None:
    quality = measure_churn_quality(_FEW, None, tmp_path)
    read = quality.comparison
    assert set(read.models) == {
        "LightGBM",
        "CatBoost",
        "average of both",
        "logistic regression",
        "LightGBM defaults",
        "CatBoost defaults",
    }
    assert set(read.gains) == set(read.models) - {read.chosen}
    assert all(set(metrics) >= {ROC_AUC, AVERAGE_PRECISION, CALIBRATION_ERROR} for metrics in read.models.values())
    own, defaults = (read.models[name][ROC_AUC].value for name in (read.chosen, CATBOOST_DEFAULTS))
    assert own is not None and defaults is not None
    assert read.gains[CATBOOST_DEFAULTS][ROC_AUC].value == pytest.approx(own - defaults)
    assert (quality.simulated, quality.customers, read.rows) == (True, 1_000, 800)
    assert quality.took.seconds > 1 and json.loads((tmp_path / "quality.json").read_text())["simulated"] is True


@pytest.mark.full
def test_a_file_that_breaks_its_contract_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(",".join(CHURN.columns) + "\n1,2,Nobody,600,Atlantis,Male,40,3,0,1,1,1,1000,0\n")
    config = load_config(ChurnConfig, [], [f"data.source={file}"])
    with pytest.raises(DataError, match="Geography"):
        cross_validate(config, Home(tmp_path / "home"))


def test_a_files_customers_are_judged(results: Results) -> None:
    text = write_document(results, None)
    assert "25 stratified folds (5 folds 5 times) of 6,400 of 8,000 customers of the file given by `--customers`" in text
    chosen = "| **average of both** | **0.8700 (0.8600 to 0.8800)** | **0.7200 (0.7000 to 0.7400)** |"
    assert f"{chosen} **0.0100 (0.0090 to 0.0110)** |" in text
    assert "| CatBoost defaults | 0.0100 (-0.0100 to 0.0300) | 0.0100 (0.0050 to 0.0150) |" in text
    assert "above zero in ROC AUC over none of them and in average precision over CatBoost, LightGBM, logistic" in text
    assert "| ROC AUC at least 0.868 | 0.8700 (0.8600 to 0.8800) | met |" in text
    assert "| calibration error at most 0.02 | 0.0100 (0.0090 to 0.0110) | met |" in text
    assert "| ROC AUC above both libraries' defaults | +0.0100 | met |" in text
    assert "MISSED" not in text and "SIMULATED" not in text
    assert "Data are simulated, but for the customers" in text


@pytest.mark.parametrize(
    ("reached", "missed"),
    [
        ({"roc_auc": 0.8679}, "ROC AUC at least 0.868"),
        ({"average_precision": 0.7129}, "average precision at least 0.713"),
        ({"calibration_error": 0.0201}, "calibration error at most 0.02"),
    ],
)
def test_a_missed_target_is_said(results: Results, reached: dict[str, float], missed: str) -> None:
    assert results.churn_quality is not None
    worse = results.churn_quality.model_copy(update={"comparison": comparison(**reached)})
    lines = write_document(results.model_copy(update={"churn_quality": worse}), None).splitlines()
    assert [line.split(" | ")[0] for line in lines if "MISSED" in line] == [f"| {missed}"]


def test_defaults_that_do_as_well_are_a_missed_target(results: Results) -> None:
    assert results.churn_quality is not None
    read = comparison()
    equal = read.gains[LIGHTGBM_DEFAULTS] | {ROC_AUC: read.gains[LIGHTGBM_DEFAULTS][ROC_AUC].model_copy(update={"value": 0.0})}
    tied = read.model_copy(update={"gains": read.gains | {LIGHTGBM_DEFAULTS: equal}})
    quality = results.churn_quality.model_copy(update={"comparison": tied})
    text = write_document(results.model_copy(update={"churn_quality": quality}), None)
    assert "| ROC AUC above both libraries' defaults | +0.0000 | **MISSED** |" in text


@pytest.mark.parametrize(("simulated", "full_size"), [(True, True), (True, False), (False, False)])
def test_simulated_customers_and_quick_runs_are_not_judged(results: Results, simulated: bool, full_size: bool) -> None:
    assert results.churn_quality is not None
    quality = results.churn_quality.model_copy(update={"simulated": simulated})
    text = write_document(results.model_copy(update={"churn_quality": quality, "full_size": full_size}), None)
    assert ("These customers are SIMULATED" in text) is simulated
    assert "not judged here" in text
    assert "verdict" not in text and "| met |" not in text and "MISSED" not in text
