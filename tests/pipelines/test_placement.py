"""Which steps become jobs: as the stack's file says, and only where they have something to do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from fusionguard.config import TuningConfig, load_config
from fusionguard.datasets import bank_churn
from fusionguard.errors import UsageError
from fusionguard.families.churn.config import ChurnConfig
from pipelines.placement import place, resume_jobs
from stacks.provision import StepPlacement, read_stack_file

DECLARED = Path(bank_churn.__file__).with_name("declaration.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def churn() -> object:
    """The churn pipeline."""
    from pipelines.churn import PIPELINE

    return PIPELINE


@pytest.mark.parametrize("trials", [0, 40])
def test_a_search_is_a_job_with_helpers_only_where_there_are_trials(zenml_store: Path, churn: object, trials: int) -> None:
    config = ChurnConfig(tuning=TuningConfig(trials=trials))
    arguments = {"config": config, "declaration": DECLARED, "source": "auto", "source_fingerprint": "x"}
    placed = place(churn, arguments, read_stack_file("hpc").steps)  # type: ignore[arg-type]
    assert "cross_validate" in placed
    assert ("tune_models" in placed) == (trials > 0)
    if trials:
        settings = placed["tune_models"]["settings"]["step_operator"]
        assert settings == {"helpers": 3, "helpers_at_once": 2}


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_features_are_built_in_a_job_where_spark_builds_them(zenml_store: Path, churn: object, engine: str) -> None:
    config = load_config(ChurnConfig, [], [f"data.engine={engine}"])
    arguments = {"config": config, "declaration": DECLARED, "source": "auto", "source_fingerprint": "x"}
    placed = place(churn, arguments, read_stack_file("hpc").steps)  # type: ignore[arg-type]
    assert ("build_features" in placed) == (engine == "spark")


@pytest.mark.parametrize(
    ("when", "placed"), [("seed=7", True), ("seed=8", False), ("data.engine=duckdb", True), ("data.nope=x", True)]
)
def test_a_condition_may_name_the_value(zenml_store: Path, churn: object, when: str, placed: bool) -> None:
    arguments = {"config": ChurnConfig(), "declaration": DECLARED, "source": "auto", "source_fingerprint": "x"}
    assert bool(place(churn, arguments, {"train_*": StepPlacement(when=when)})) == placed  # type: ignore[arg-type]


def test_a_condition_on_a_setting_that_does_not_exist_changes_nothing(zenml_store: Path, churn: object) -> None:
    arguments = {"config": ChurnConfig(), "declaration": DECLARED, "source": "auto", "source_fingerprint": "x"}
    placements = {"tune_*": StepPlacement(when="nothing.of.that.name"), "train_*": StepPlacement(when="seed")}
    placed = place(churn, arguments, placements)  # type: ignore[arg-type]
    assert set(placed) == {"tune_models", "train_lightgbm", "train_catboost"}


def test_a_stack_without_jobs_has_nothing_to_go_on_with() -> None:
    with pytest.raises(UsageError, match="the stack 'local' has none") as refused:
        resume_jobs("fraud-1", SimpleNamespace(name="local", step_operator=None))  # type: ignore[arg-type]
    assert "without --resume" in str(refused.value.remedy)
