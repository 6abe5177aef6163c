"""Tuning of the trees: better than a poor start, forward in time, the same after kill -9, blind to all but the train slice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from optuna.trial import TrialState
from sklearn.metrics import average_precision_score

from fusionguard.checkpoint import FOLDER_VARIABLE, SECONDS_VARIABLE
from fusionguard.data.table import Table
from fusionguard.errors import DataError
from fusionguard.evaluation.forward_folds import ForwardFold
from fusionguard.evaluation.planned_rows import planned_rows
from fusionguard.evaluation.splits import plan_split
from fusionguard.families.fraud import search_space, tuning
from fusionguard.families.fraud.boosting import fit_booster
from fusionguard.families.fraud.config import XGBoostConfig
from fusionguard.families.fraud.rows import Encoding, ModelRows, read_slice
from fusionguard.families.fraud.tuning import FOLDS, TunedBooster
from fusionguard.features.fraud import FRAUD_FEATURES, LABEL, TIME
from tests.models.studies import timeless, trials_of, tried

from .conftest import draw_features
from .tuning_worker import QUICK_SPACE, TRIALS, quick_config, quick_tune

WORKER = Path(__file__).with_name("tuning_worker.py")


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return draw_features(tmp_path_factory.mktemp("features") / "features.parquet")


@pytest.fixture(autouse=True)
def quick_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small space, and no waiting for the disk, which others may keep busy."""
    monkeypatch.setattr(search_space, "SPACE", QUICK_SPACE)
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="module")
def whole(features: Table, tmp_path_factory: pytest.TempPathFactory) -> tuple[TunedBooster, Path]:
    """A search that nobody interrupted, and its folder."""
    studies = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_space, "SPACE", QUICK_SPACE)
        return quick_tune(features, studies), studies


def changed(features: Table, file: Path, places: np.ndarray) -> Table:
    """Write the same table with the labels of some rows turned round, and one of their features lost."""
    table = features.read()
    columns = {name: table[name].to_numpy().copy() for name in table.column_names}
    columns[LABEL][places] = 1 - columns[LABEL][places]
    columns["V1"][places] = 0
    pq.write_table(pa.table(columns), file)
    return Table(file)


def test_tuned_settings_are_better_than_poor_ones_and_differ_where_searched_alone(whole: tuple[TunedBooster, Path]) -> None:
    tuned, studies = whole
    assert tuned.value > tuned.value_of_start + 0.02
    own = set(QUICK_SPACE)
    start = quick_config().xgboost.model_copy(update={"num_parallel_tree": 8})  # chosen by the rows, which are few
    assert tuned.settings.model_dump(exclude=own) == start.model_dump(exclude=own)
    assert f"{TRIALS} trials ({tuned.pruned} pruned) raised" in tuned.sentence
    assert f"{tuned.value_of_start:.4f} to {tuned.value:.4f}" in tuned.sentence
    assert TunedBooster.model_validate_json(tuned.model_dump_json()) == tuned
    assert [file.name for file in studies.iterdir()] == [f"{tuned.study}.log"]


def test_bad_trials_are_pruned_before_the_last_fold(whole: tuple[TunedBooster, Path]) -> None:
    tuned, studies = whole
    folds = [len(values) for _, _, values in tried(studies, tuned.study)]
    assert tuned.pruned == folds.count(FOLDS - 1) > 0
    assert folds.count(FOLDS) == TRIALS - tuned.pruned


def test_the_value_is_the_weighted_average_precision_on_later_rows(features: Table, whole: tuple[TunedBooster, Path]) -> None:
    """Cut and refitted here, one fold after the other on two threads, with scikit-learn's metric."""
    tuned, _ = whole
    plan, seed = plan_split(planned_rows(features, FRAUD_FEATURES), quick_config().split), quick_config().seed
    rows = read_slice(features, plan.train, 3.0)
    seconds = features.read([TIME], 0, plan.train.stop)[TIME].to_numpy()
    cuts = np.searchsorted(seconds, seconds[np.round(np.arange(2, 6) * rows.label.size / 6).astype(int)])
    read = []
    for fitted, stopped, judged in zip(cuts[:-1], cuts[1:], [*cuts[2:], rows.label.size], strict=True):
        assert seconds[fitted - 1] < seconds[fitted] and seconds[stopped - 1] < seconds[stopped]
        booster = fit_booster(
            rows.part(slice(0, fitted)), rows.part(slice(fitted, stopped)), tuned.settings, seed=seed, threads=1
        )
        later = rows.part(slice(stopped, judged))
        margin = booster.inplace_predict(later.x, predict_type="margin")
        read.append(average_precision_score(later.label, margin, sample_weight=later.weight))
    assert len(read) == FOLDS
    assert tuned.value == pytest.approx(np.mean(read), abs=1e-12)


def test_fitted_rows_are_not_weighted_and_those_that_stop_early_are(features: Table) -> None:
    plan = plan_split(planned_rows(features, FRAUD_FEATURES), quick_config().split)
    fitted, stopping = read_slice(features, plan.train, 3.0), read_slice(features, plan.validation, 3.0)
    heavy = ModelRows(fitted.x, fitted.label, fitted.weight * 7, fitted.encoding)
    config = XGBoostConfig(rounds=40, num_parallel_tree=2)

    def reached(first: ModelRows, second: ModelRows) -> tuple[bytes, str | None]:
        booster = fit_booster(first, second, config, seed=1, threads=1)
        return bytes(booster.save_raw("ubj")), booster.attr("validation_average_precision")

    assert reached(heavy, stopping) == reached(fitted, stopping)
    light = ModelRows(stopping.x, stopping.label, np.ones_like(stopping.weight), stopping.encoding)
    assert reached(fitted, light)[1] != reached(fitted, stopping)[1]


@pytest.mark.full
def test_the_same_seed_gives_the_same_study_and_other_inputs_another(
    whole: tuple[TunedBooster, Path], features: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned, studies = whole
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "checkpoints"))
    monkeypatch.setenv(SECONDS_VARIABLE, "0")
    again = quick_tune(features, tmp_path / "again")
    assert timeless(again) == timeless(tuned)
    assert tried(tmp_path / "again", again.study) == tried(studies, tuned.study)
    assert not (tmp_path / "checkpoints").exists(), "the journal is what a search goes on from"
    start = quick_config(1)
    others = [
        quick_tune(features, tmp_path, start.model_copy(update={"seed": 8})),
        quick_tune(features, tmp_path, start.model_copy(update={"xgboost": XGBoostConfig(rounds=3)})),
        quick_tune(features, tmp_path, start, negative_weight=1.0),
        quick_tune(draw_features(tmp_path / "other.parquet", seed=1), tmp_path, start),
    ]
    assert len({tuned.study, *(other.study for other in others)}) == 5


@pytest.mark.full
def test_a_search_that_was_killed_ends_as_one_that_was_not(
    whole: tuple[TunedBooster, Path], features: Table, tmp_path: Path
) -> None:
    tuned, studies = whole
    command = [sys.executable, str(WORKER), str(features.path), str(tmp_path), "19"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "hanging\n"
        finally:
            worker.kill()
    states = [trial.state for trial in trials_of(tmp_path, tuned.study)]
    assert states.count(TrialState.RUNNING) == 1 < len(states) < TRIALS
    assert timeless(quick_tune(features, tmp_path)) == timeless(tuned)
    assert tried(tmp_path, tuned.study) == tried(studies, tuned.study)
    assert [file.name for file in tmp_path.iterdir()] == [f"{tuned.study}.log"]


def test_nothing_after_the_train_slice_is_read(whole: tuple[TunedBooster, Path], features: Table, tmp_path: Path) -> None:
    tuned, _ = whole
    train = plan_split(planned_rows(features, FRAUD_FEATURES), quick_config().split).train.stop
    later = changed(features, tmp_path / "later.parquet", np.arange(train, features.rows))
    assert timeless(quick_tune(later, tmp_path / "later")) == timeless(tuned)
    inside = changed(features, tmp_path / "inside.parquet", np.arange(train - 20, train))
    other = quick_tune(inside, tmp_path / "inside", quick_config(1))
    assert other.study != tuned.study
    assert other.value_of_start != tuned.value_of_start


def test_too_few_frauds_for_the_folds_are_named(features: Table, tmp_path: Path) -> None:
    table = features.read()
    label = table[LABEL].to_numpy().copy()
    label[1200:1600][np.flatnonzero(label[1200:1600])[4:]] = 0
    pq.write_table(table.set_column(table.schema.get_field_index(LABEL), LABEL, pa.array(label)), tmp_path / "rare.parquet")
    with pytest.raises(DataError, match="rows 1,200 to 1,600 hold 4 in 400"):
        quick_tune(Table(tmp_path / "rare.parquet"), tmp_path / "studies")
    assert not (tmp_path / "studies").exists()


def test_every_searched_setting_is_one_of_the_config_and_its_default_lies_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    left_alone = {"rounds", "num_parallel_tree", "early_stopping_rounds", "max_bin", "base_score"}
    assert set(search_space.SPACE) == set(XGBoostConfig.model_fields) - left_alone
    for name, within in search_space.SPACE.items():
        assert within.low <= getattr(XGBoostConfig(), name) <= within.high, name
        for edge in (within.low, within.high):
            XGBoostConfig(**{name: edge})


def test_a_trial_learns_from_no_outcome_that_was_not_known_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.arange(12, dtype=np.float32)[:, None]
    rows = ModelRows(x, (np.arange(12) % 3 == 0).astype(np.int8), np.ones(12), Encoding(("x",), {}))
    known = np.array([True, True, False, True, True, True, False, True, False])
    seen: list[list[float]] = []

    def fit(train: ModelRows, validation: ModelRows, *_: object, **__: object) -> object:
        seen.extend([train.x[:, 0].tolist(), validation.x[:, 0].tolist()])
        return SimpleNamespace(set_param=lambda _: None, inplace_predict=lambda x, **_: x[:, 0])

    monkeypatch.setattr(tuning, "fit_booster", fit)
    fold = ForwardFold(slice(0, 6), slice(6, 9), slice(9, 12), known)
    assert tuning._average_precision(XGBoostConfig(), rows, fold, 1) == pytest.approx(1 / 3)
    assert seen == [[0, 1, 3, 4, 5], [7]]
