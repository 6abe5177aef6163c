"""Tuning of real models: never worse than its start, the same after kill -9, shared by processes, blind to the test slice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from optuna.trial import TrialState
from sklearn.metrics import average_precision_score

from fusionguard.data.table import Table
from fusionguard.errors import DataError, StorageError
from fusionguard.evaluation.holdout import HoldoutPlan, plan_holdout
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.families.churn import search_space
from fusionguard.families.churn.catboost_model import margins, train_catboost
from fusionguard.families.churn.config import CatBoostConfig, ChurnConfig, LightGBMConfig
from fusionguard.families.churn.rows import read_customers
from fusionguard.families.churn.tuning import FOLDS, REPEATS, TunedChurnModel, tune
from fusionguard.features.churn import CHURN_FEATURES
from tests.families.churn.cases import COLUMNS
from tests.models.studies import timeless, trials_of, tried

from .tuning_worker import QUICK_SPACES, quick_config, quick_tune

TRIALS = 16
WORKER = Path(__file__).with_name("tuning_worker.py")


def draw(file: Path, *, rows: int = 500, seed: int = 0) -> Table:
    """Write a feature table in which age, activity and country decide who leaves."""
    rng = np.random.default_rng(seed)
    age, active, salary = rng.integers(18, 80, rows), rng.integers(0, 2, rows), rng.uniform(1e3, 2e5, rows)
    balance, country = rng.choice([0.0, 1.0], rows) * rng.uniform(1e4, 2e5, rows), rng.integers(0, 3, rows)
    logit = -2 + 0.08 * (age - 45) - 1.2 * active + 0.8 * (country == 1)
    names = {name: np.array(known) for name, known in COLUMNS.categories.items()}
    columns = {
        "CreditScore": rng.integers(350, 851, rows),
        "Geography": names["Geography"][country],
        "Gender": names["Gender"][rng.integers(0, 2, rows)],
        "Age": age,
        "Tenure": rng.integers(0, 11, rows),
        "Balance": balance,
        "NumOfProducts": rng.integers(1, 5, rows),
        "HasCrCard": rng.integers(0, 2, rows),
        "IsActiveMember": active,
        "EstimatedSalary": salary,
        "has_balance": (balance > 0).astype(int),
        "balance_to_salary": balance / salary,
        "tenure_to_age": rng.uniform(0, 0.5, rows),
        "Exited": (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(int),
    }
    pq.write_table(pa.table(columns), file)
    return Table(file)


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return draw(tmp_path_factory.mktemp("features") / "features.parquet")


@pytest.fixture(autouse=True)
def quick_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small models, and no waiting for the disk, which others may keep busy."""
    monkeypatch.setattr(search_space, "SPACES", QUICK_SPACES)
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="module")
def whole(features: Table, tmp_path_factory: pytest.TempPathFactory) -> tuple[TunedChurnModel, Path]:
    """A search that nobody interrupted, and its folder."""
    studies = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_space, "SPACES", QUICK_SPACES)
        return quick_tune("LightGBM", features, studies, quick_config(TRIALS)), studies


@contextmanager
def a_worker(features: Table, studies: Path, *, hang_at: int = -1) -> Iterator[subprocess.Popen[str]]:
    """A process that waits to be let go; it is killed at the end if it still runs."""
    command = [sys.executable, str(WORKER), "LightGBM", str(features.path), str(studies), str(TRIALS), str(hang_at)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            yield worker
        finally:
            worker.kill()


def let_go(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    worker.stdin.write("\n")
    worker.stdin.flush()


def test_tuned_settings_are_better_than_poor_ones_and_differ_where_searched_alone(whole: tuple[TunedChurnModel, Path]) -> None:
    tuned, studies = whole
    start = quick_config(TRIALS).lightgbm
    assert isinstance(tuned.settings, LightGBMConfig)
    assert tuned.value > tuned.value_of_start + 0.02
    assert tuned.settings.model_dump(exclude=set(QUICK_SPACES["LightGBM"])) == start.model_dump(
        exclude=set(QUICK_SPACES["LightGBM"])
    )
    assert tuned.trials == TRIALS
    assert tuned.seconds > 0
    assert [file.name for file in studies.iterdir()] == [f"{tuned.study}.log"]


def test_some_trials_are_pruned_and_the_best_is_not(whole: tuple[TunedChurnModel, Path]) -> None:
    tuned, studies = whole
    folds = [len(values) for _, _, values in tried(studies, tuned.study)]
    assert tuned.pruned == sum(count < FOLDS * REPEATS for count in folds) > 0
    assert max(folds) == FOLDS * REPEATS


def test_catboost_is_judged_by_average_precision_on_folds_of_its_own(features: Table, tmp_path: Path) -> None:
    """Refitted here with scikit-learn's metric; the folds are not those of the evaluation."""
    config = quick_config(3)
    tuned = quick_tune("CatBoost", features, tmp_path, config)
    assert isinstance(tuned.settings, CatBoostConfig)
    assert TunedChurnModel.model_validate_json(tuned.model_dump_json()) == tuned
    customers, label = read_customers(features, CHURN_FEATURES)
    rows = planned_rows(features, CHURN_FEATURES)
    plan = plan_holdout(rows, "f" * 64, config.holdout, seed=config.seed)
    development, _ = plan.places(rows)
    customers, label, rows = customers.take(development), label[development], rows.take(development)
    folds = plan.model_copy(update={"folds": FOLDS, "repeats": REPEATS, "seed": config.seed + 1}).fold_places(rows)
    read = [
        average_precision_score(
            label[places],
            margins(train_catboost(customers.take(rest), label[rest], tuned.settings, seed=config.seed), customers.take(places)),
        )
        for rest, places in folds
    ]
    assert tuned.value == pytest.approx(np.mean(read), abs=1e-12)
    judged = {places.tobytes() for _, places in folds}
    assert not judged & {places.tobytes() for _, places in plan.fold_places(rows)}


def test_the_same_seed_gives_the_same_study_and_other_inputs_another(
    whole: tuple[TunedChurnModel, Path], features: Table, tmp_path: Path
) -> None:
    tuned, studies = whole
    again = quick_tune("LightGBM", features, tmp_path, quick_config(TRIALS))
    assert timeless(again) == timeless(tuned)
    assert tried(tmp_path, again.study) == tried(studies, tuned.study)
    config = quick_config(1)
    others = [
        quick_tune("CatBoost", features, tmp_path, config),
        quick_tune("LightGBM", draw(tmp_path / "other.parquet", seed=1), tmp_path, config),
        quick_tune("LightGBM", features, tmp_path, config.model_copy(update={"seed": 8})),
        quick_tune("LightGBM", features, tmp_path, config.model_copy(update={"lightgbm": LightGBMConfig(rounds=3)})),
    ]
    assert len({tuned.study, *(other.study for other in others)}) == 5


@pytest.mark.full
@pytest.mark.parametrize("hang_at", [4, 103])
def test_a_search_that_was_killed_ends_as_one_that_was_not(
    whole: tuple[TunedChurnModel, Path], features: Table, tmp_path: Path, hang_at: int
) -> None:
    with a_worker(features, tmp_path, hang_at=hang_at) as worker:
        let_go(worker)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "hanging\n"
    tuned, studies = whole
    assert [trial.state for trial in trials_of(tmp_path, tuned.study)].count(TrialState.RUNNING) == 1
    assert timeless(quick_tune("LightGBM", features, tmp_path, quick_config(TRIALS))) == timeless(tuned)
    assert tried(tmp_path, tuned.study) == tried(studies, tuned.study)
    assert [file.name for file in tmp_path.iterdir()] == [f"{tuned.study}.log"]


@pytest.mark.full
def test_two_processes_do_the_trials_once_and_agree(features: Table, tmp_path: Path) -> None:
    with a_worker(features, tmp_path) as first, a_worker(features, tmp_path) as second:
        for worker in (first, second):
            let_go(worker)
        answers = [worker.communicate()[0] for worker in (first, second)]
    found = [TunedChurnModel.model_validate_json(answer) for answer in answers]
    assert timeless(found[0]) == timeless(found[1])
    assert [place for place, _, _ in tried(tmp_path, found[0].study)] == list(range(TRIALS))
    trials = trials_of(tmp_path, found[0].study)
    assert len({trial.user_attrs["worker"] for trial in trials if trial.state != TrialState.FAIL}) == 2


def test_the_time_bound_leaves_the_first_trial(features: Table, tmp_path: Path) -> None:
    config = quick_config(TRIALS, seconds=1e-9)
    tuned = quick_tune("LightGBM", features, tmp_path, config)
    assert (tuned.trials, tuned.value, tuned.settings) == (1, tuned.value_of_start, config.lightgbm)


class _FixedPlan(HoldoutPlan):
    """Holds out the same places whatever the labels are: else a changed label would change who is held out."""

    def places(self, label: object) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(100, 500), np.arange(100)


def test_nothing_of_the_test_slice_is_read(features: Table, tmp_path: Path) -> None:
    config = quick_config(8)
    plan = plan_holdout(planned_rows(features, CHURN_FEATURES), "f" * 64, config.holdout, seed=config.seed)
    plan = _FixedPlan(**plan.model_dump())
    table = features.read()
    held_out = np.arange(table.num_rows) < 100

    def changed(rows: np.ndarray, file: str) -> Table:
        columns = {name: table[name].to_numpy(zero_copy_only=False).copy() for name in table.column_names}
        columns["Exited"][rows] = 1 - columns["Exited"][rows]
        columns["Age"][rows] = 99
        pq.write_table(pa.table(columns), tmp_path / file)
        return Table(tmp_path / file)

    def search(customers: Table, folder: str, settings: ChurnConfig = config) -> dict[str, object]:
        return timeless(tune("LightGBM", customers, CHURN_FEATURES, plan, settings, studies=tmp_path / folder))

    assert search(changed(held_out, "test.parquet"), "a") == search(features, "b")
    assert search(changed(~held_out & (np.arange(500) < 150), "development.parquet"), "c") != search(features, "b")


def test_a_damaged_study_is_named(features: Table, tmp_path: Path) -> None:
    tuned = quick_tune("LightGBM", features, tmp_path, quick_config(1))
    file = tmp_path / f"{tuned.study}.log"
    file.write_bytes(b"garbage\n" + file.read_bytes())
    with pytest.raises(StorageError, match="line 1 is no JSON") as caught:
        quick_tune("LightGBM", features, tmp_path, quick_config(2))
    assert "delete it" in caught.value.remedy


def test_too_few_customers_for_the_folds_are_named(tmp_path: Path) -> None:
    few = draw(tmp_path / "few.parquet", rows=400)
    table = few.read()
    label = np.zeros(400, dtype=int)
    label[:11] = 1
    pq.write_table(table.set_column(table.schema.get_field_index("Exited"), "Exited", pa.array(label)), tmp_path / "rare.parquet")
    config = quick_config(1)
    config = config.model_copy(update={"holdout": config.holdout.model_copy(update={"folds": 2})})
    with pytest.raises(DataError, match="Only 9 customers"):
        quick_tune("LightGBM", Table(tmp_path / "rare.parquet"), tmp_path, config)


def test_every_searched_setting_is_one_of_the_config_and_its_defaults_lie_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for kind, config in (("LightGBM", LightGBMConfig()), ("CatBoost", CatBoostConfig())):
        space = search_space.SPACES[kind]
        assert set(space) == set(type(config).model_fields) - {"one_hot_max_size"}  # what it costs is time
        for name, within in space.items():
            default = getattr(config, name)
            assert within.low <= default <= within.high or (default == 0 and getattr(within, "log", False)), name
            for edge in (within.low, within.high):
                type(config)(**{name: edge})
